/**
 * Names what is wrong with a range of leaves: each entry, its hash, its place in the stored tiles and what opens it, one
 * by one. Where an entry is missing, the hash that the tiles hold stands in for it, so that one hole is one finding.
 */
import type { Queryable } from '@app/persistence';
import { HASH_BYTES } from '@app/tlog';
import type { EntryRow, LogRow } from '../ledger.repository.js';
import { erasedLeaves } from './erasure-audit.js';
import type { AuditFinding } from './finding.js';
import { judgeLeaf } from './leaf-audit.js';
import { checkOpening } from './opening-audit.js';
import { type LeaflessClaim, openingClaims } from './opening-claims.js';
import { leafHashInTiles, type StoredTiles } from './stored-tiles.js';

export interface PreciseAnswer {
  readonly findings: readonly AuditFinding[];
  readonly entries: number;
  /** What each leaf hash most likely was when it was appended, back to back. */
  readonly leafHashes: Uint8Array;
}

export interface PreciseOrder {
  readonly log: LogRow;
  readonly first: bigint;
  readonly end: bigint;
  /** Below it every leaf must be in a tile. */
  readonly integrated: bigint;
  readonly tiles: StoredTiles;
}

export async function auditPrecisely(on: Queryable, order: PreciseOrder): Promise<PreciseAnswer> {
  const { log, first, end, integrated, tiles } = order;
  const entries = await entriesOf(on, log.logId, first, end);
  const claims = await openingClaims(on, log, first, end);
  const erased = await erasedLeaves(on, log.logId, first, end);
  const findings = await strayOpenings(on, log, first, end);
  const leafHashes = new Uint8Array(Number(end - first) * HASH_BYTES);
  let next = first;
  const standIn = (until: bigint, problem: string): void => {
    if (next < until)
      findings.push({ log: log.origin, index: next.toString(), field: 'entry.leaf_index', problem });
    for (; next < until; next += 1n) {
      const known = leafHashInTiles(tiles, next);
      if (known) leafHashes.set(known, Number(next - first) * HASH_BYTES);
    }
  };
  for (const entry of entries) {
    standIn(entry.leafIndex, `the next entry has index ${entry.leafIndex}`);
    const place = { log: log.origin, index: entry.leafIndex.toString() };
    const tileHash = entry.leafIndex < integrated ? leafHashInTiles(tiles, entry.leafIndex) : null;
    const judgement = judgeLeaf(place, { ...entry, tileHash });
    findings.push(...judgement.findings);
    const claim = claims.get(entry.leafIndex);
    if (claim || !erased.has(entry.leafIndex))
      findings.push(...openingFindings(log, entry, judgement.leafIntact, claim));
    leafHashes.set(judgement.trueHash, Number(entry.leafIndex - first) * HASH_BYTES);
    next = entry.leafIndex + 1n;
  }
  standIn(end, `there is no entry from here to ${end - 1n}`);
  return { findings, entries: entries.length, leafHashes };
}

async function entriesOf(on: Queryable, logId: number, first: bigint, end: bigint): Promise<EntryRow[]> {
  return on
    .selectFrom('entry')
    .select(['log_id as logId', 'leaf_index as leafIndex', 'leaf', 'leaf_hash as leafHash'])
    .where('log_id', '=', logId)
    .where('leaf_index', '>=', first)
    .where('leaf_index', '<', end)
    .orderBy('leaf_index')
    .execute();
}

/** Openings in the range that belong to no commitment. */
async function strayOpenings(
  on: Queryable,
  log: LogRow,
  first: bigint,
  end: bigint,
): Promise<AuditFinding[]> {
  const rows = await on
    .selectFrom('commitment_opening as opening')
    .leftJoin('commitment', (join) =>
      join
        .onRef('opening.log_id', '=', 'commitment.log_id')
        .onRef('opening.leaf_index', '=', 'commitment.leaf_index'),
    )
    .select('opening.leaf_index')
    .where('commitment.leaf_index', 'is', null)
    .where('opening.log_id', '=', log.logId)
    .where('opening.leaf_index', '>=', first)
    .where('opening.leaf_index', '<', end)
    .execute();
  return rows.map(({ leaf_index: index }) => ({
    log: log.origin,
    index: index.toString(),
    field: 'commitment_opening.leaf_index',
    problem: 'the opening belongs to no commitment',
  }));
}

function openingFindings(
  log: LogRow,
  entry: EntryRow,
  leafIntact: boolean,
  claim: LeaflessClaim | undefined,
): AuditFinding[] {
  const place = { log: log.origin, index: entry.leafIndex.toString() };
  const table = log.kind === 'events' ? 'event' : 'commitment_opening';
  if (!claim)
    return [{ ...place, field: `${table}.content`, problem: 'the row that opens this leaf is missing' }];
  return leafIntact ? checkOpening(place, { ...claim, leaf: entry.leaf }) : [];
}
