/** Rows that belong to nothing: hidden from the logs' own audit by a log id or tree size that does not exist. */
import type { Database } from '@app/persistence';
import { sql } from 'kysely';
import type { AuditFinding } from './finding.js';

const ORPHANS = [
  ['entry', 'log_id', 'not exists (select from log where log.log_id = row.log_id)'],
  ['tile', 'log_id', 'not exists (select from log where log.log_id = row.log_id)'],
  ['checkpoint', 'log_id', 'not exists (select from log where log.log_id = row.log_id)'],
  ['commitment', 'log_id', 'not exists (select from log where log.log_id = row.log_id)'],
  [
    'commitment_opening',
    'log_id',
    'not exists (select from commitment known where known.log_id = row.log_id and known.leaf_index = row.leaf_index)',
  ],
  [
    'request_subject',
    'request_id',
    'not exists (select from deletion_request request where request.request_id = row.request_id)',
  ],
  ...['checkpoint_publication', 'checkpoint_cosignature'].map(
    (table) =>
      [
        table,
        'tree_size',
        'not exists (select from checkpoint signed where signed.log_id = row.log_id and signed.tree_size = row.tree_size)',
      ] as const,
  ),
] as const;

export async function auditOrphans(db: Database): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [];
  for (const [table, column, condition] of ORPHANS) {
    const { rows } = await sql<{ total: bigint }>`select count(*) as total from ${sql.table(table)} as row
      where ${sql.raw(condition)}`.execute(db);
    const total = rows[0]?.total ?? 0n;
    if (total > 0n) {
      const problem = `${total} row(s) belong to no log and no checkpoint`;
      findings.push({ log: table, index: null, field: `${table}.${column}`, problem });
    }
  }
  return findings;
}
