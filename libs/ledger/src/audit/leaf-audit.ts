/**
 * Which of leaf, leaf hash and tile was changed, by majority: the three hold the same hash, so one that was altered
 * is outvoted by the other two.
 */
import { hashLeaf } from '@app/tlog';
import type { AuditFinding } from './finding.js';

export interface LeafEvidence {
  readonly leaf: Uint8Array;
  readonly leafHash: Uint8Array;
  /** The same hash in the stored level-0 tile; null while not integrated. */
  readonly tileHash: Uint8Array | null;
}

export interface LeafJudgement {
  /** What the hash most likely was when it was appended. */
  readonly trueHash: Uint8Array;
  readonly leafIntact: boolean;
  readonly findings: readonly AuditFinding[];
}

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

export function judgeLeaf(place: Pick<AuditFinding, 'log' | 'index'>, evidence: LeafEvidence): LeafJudgement {
  const { leafHash, tileHash } = evidence;
  const computed = hashLeaf(evidence.leaf);
  if (equal(computed, leafHash)) {
    const findings =
      tileHash && !equal(tileHash, leafHash)
        ? [{ ...place, field: 'tile.hashes', problem: 'the level-0 tile holds another hash than the entry' }]
        : [];
    return { trueHash: computed, leafIntact: true, findings };
  }
  if (tileHash && equal(tileHash, computed)) {
    const findings = [
      { ...place, field: 'entry.leaf_hash', problem: 'is not the hash of the leaf, which the tile confirms' },
    ];
    return { trueHash: computed, leafIntact: true, findings };
  }
  const certain = tileHash !== null && equal(tileHash, leafHash);
  const problem = certain ? 'does not have the hash that entry and tile hold' : 'leaf and leaf hash disagree';
  return { trueHash: leafHash, leafIntact: false, findings: [{ ...place, field: 'entry.leaf', problem }] };
}
