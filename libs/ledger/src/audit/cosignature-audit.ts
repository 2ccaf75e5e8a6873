import type { Queryable } from '@app/persistence';
import { parseNote, TlogError } from '@app/tlog';
import type { LogRow } from '../ledger.repository.js';
import type { AuditFinding } from './finding.js';

/**
 * Cosignatures whose row says something else than their line, of checkpoints of at least `from` entries. Whether a witness
 * signed is for those to check who know its key: `lacuna audit --url --policy`.
 */
export async function auditCosignatures(
  on: Queryable,
  { logId, origin }: LogRow,
  from: bigint,
): Promise<AuditFinding[]> {
  const rows = await on
    .selectFrom('checkpoint_cosignature')
    .innerJoin('checkpoint', (join) =>
      join
        .onRef('checkpoint.log_id', '=', 'checkpoint_cosignature.log_id')
        .onRef('checkpoint.tree_size', '=', 'checkpoint_cosignature.tree_size'),
    )
    .select(['checkpoint.tree_size', 'note', 'key_name', 'key_id', 'line'])
    .where('checkpoint.log_id', '=', logId)
    .where('checkpoint.tree_size', '>=', from)
    .execute();
  return rows.flatMap((row) => {
    const finding = (column: string, problem: string): AuditFinding[] => [
      { log: origin, index: row.tree_size.toString(), field: `checkpoint_cosignature.${column}`, problem },
    ];
    const key = keyOf(row.note, row.line);
    if (!key) return finding('line', 'does not end the note of its checkpoint as a signature');
    if (key.name !== row.key_name) return finding('key_name', `the line is by ${key.name}`);
    return BigInt(key.keyId) === row.key_id ? [] : finding('key_id', `the line is by key ${key.keyId}`);
  });
}

/** Whose the signature line after `note` is; null where it is none. */
function keyOf(note: string, line: string): { readonly name: string; readonly keyId: number } | null {
  try {
    return parseNote(note + line).signatures.at(-1)!;
  } catch (error) {
    if (error instanceof TlogError) return null;
    throw error;
  }
}
