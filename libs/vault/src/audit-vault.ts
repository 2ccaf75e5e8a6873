/**
 * Is the vault's content what was stored? Digests of ciphertexts only: no key is needed, nothing is opened. That the
 * digest in `vault_segment` is the one of the event log is the ledger's own audit. Proven by test/medium/vault.spec.ts.
 */
import { createHash } from 'node:crypto';
import type { Database } from '@app/persistence';
import { sql } from 'kysely';

/** One thing that does not recompute. */
export interface VaultFinding {
  readonly log: string;
  readonly index: string;
  readonly field: string;
  readonly problem: string;
}

interface SegmentRow {
  readonly segmentId: string;
  readonly sampleCount: number;
  readonly digest: Uint8Array;
  readonly itemDigests: Uint8Array | null;
  readonly ciphertexts: Uint8Array | null;
  readonly erasedCount: number | null;
}

interface ItemRow {
  readonly slot: number;
  readonly start: number;
  readonly length: number;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const DIGEST_BYTES = 32;

/** Everything wrong with stored payloads; reads one segment at a time. */
export async function auditVault(db: Database): Promise<readonly VaultFinding[]> {
  const findings: VaultFinding[] = [];
  for (let after = NIL_UUID; ;) {
    const segment = await nextSegment(db, after);
    if (!segment) break;
    findings.push(...(await auditSegment(db, segment)));
    after = segment.segmentId;
  }
  const { rows } = await sql<{ total: bigint }>`select count(*) as total from vault_item
    where not exists (select from vault_segment segment
      where segment.segment_id = vault_item.segment_id and segment.model_id = vault_item.model_id)`.execute(
    db,
  );
  if (rows[0]!.total > 0n) {
    findings.push({
      log: 'vault_item',
      index: '-',
      field: 'vault_item.segment_id',
      problem: `${rows[0]!.total} row(s) belong to no segment of their model`,
    });
  }
  return findings;
}

async function auditSegment(db: Database, segment: SegmentRow): Promise<VaultFinding[]> {
  const finding = (field: string, problem: string): VaultFinding => ({
    log: 'vault_segment',
    index: segment.segmentId,
    field,
    problem,
  });
  const { itemDigests, ciphertexts, sampleCount, erasedCount } = segment;
  if (!itemDigests || !ciphertexts)
    return [finding('vault_content.segment_id', 'the segment has no content')];
  if (!equal(sha256(itemDigests), segment.digest))
    return [finding('vault_content.item_digests', 'does not have the digest in vault_segment.digest')];
  const items = await itemsOf(db, segment.segmentId);
  const changed = items.filter(({ slot, start, length }) => {
    const expected = itemDigests.subarray(slot * DIGEST_BYTES, (slot + 1) * DIGEST_BYTES);
    return !equal(sha256(ciphertexts.subarray(start, start + length)), expected);
  });
  const findings = changed.map(({ slot }) =>
    finding('vault_content.ciphertexts', `slot ${slot} is not as it was stored`),
  );
  const missing = sampleCount - items.length - (erasedCount ?? 0);
  if (missing !== 0)
    findings.push(finding('vault_item.slot', `${missing} sample(s) are neither there nor erased`));
  return findings;
}

async function nextSegment(db: Database, after: string): Promise<SegmentRow | undefined> {
  const { rows } = await sql<SegmentRow>`
    select segment_id as "segmentId", sample_count as "sampleCount", digest, item_digests as "itemDigests",
      ciphertexts, erased_count as "erasedCount"
    from vault_segment left join vault_content using (segment_id)
    where segment_id > ${after} order by segment_id limit 1`.execute(db);
  return rows[0];
}

async function itemsOf(db: Database, segmentId: string): Promise<readonly ItemRow[]> {
  const { rows } = await sql<ItemRow>`select slot, start, length from vault_item
    where segment_id = ${segmentId} order by slot`.execute(db);
  return rows;
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
