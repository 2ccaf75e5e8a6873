/**
 * From scores to the outcome of a verification: verdicts, result leaves, figures. Pure; the leaves are made block by
 * block, so that a million commitments need no million strings at once. Proven by conclusion.spec.ts.
 */
import {
  BLIND_BYTES,
  LeafTally,
  resultBlinds,
  type ResultLeaf,
  ResultLeafBlock,
  type ResultSummary,
} from '@app/attestation';
import { toMillionths } from '@app/iam';
import { HASH_BYTES, rootOf } from '@app/tlog';
import { fractions } from './block-scores.js';
import { type RequestTest, scoredClusters } from './group-test.js';
import { BLOCK_WIDTH, ERASED_SCORE, UNSCORABLE_SCORE } from './plan.js';
import type { DecisionSettings } from './profile/profile-document.js';
import { decide, type Decision, type LeafStatus } from './verdict.js';

/** The commitments of a verification in leaf order. */
export interface CommittedLeaves {
  /** Request ids by ordinal, in order of first appearance. */
  readonly requestIds: readonly string[];
  /** `[N]`: each leaf's request. */
  readonly requestOrdinal: Int32Array;
  /** Commitment leaf hashes, 32 bytes each, `[N x 32]`. */
  readonly leafHashes: Uint8Array;
  /** `[N]`: completeness in millionths, -1 unscorable, -2 erased. */
  readonly scores: Int32Array;
}

/** What both null hypotheses are tested against. */
export interface NullScores {
  /** In millionths, -1 unscorable. */
  readonly calibration: Int32Array;
  /** As `calibration`. */
  readonly controls: Int32Array;
  /** The cluster of each; null where there are none or the profile compares single samples. */
  readonly clusters: { readonly calibration: Int32Array; readonly controls: Int32Array } | null;
}

/** The decision on all requests. */
export function decideCommitments(
  { requestOrdinal, scores }: CommittedLeaves,
  nulls: NullScores,
  settings: DecisionSettings,
  seed: string,
): Decision {
  return decide({
    policy: { ...settings, seed },
    calibration: fractions(nulls.calibration),
    controls: fractions(nulls.controls),
    ...(nulls.clusters ? { clusters: nulls.clusters } : {}),
    leaves: {
      requestOrdinal,
      score: fractions(scores),
      status: Array.from(scores, statusOf),
    },
  });
}

function statusOf(score: number): LeafStatus {
  if (score === ERASED_SCORE) return 'no-longer-verifiable';
  return score === UNSCORABLE_SCORE ? 'unscorable' : 'scored';
}

/** What the p-values of that decision stand on. */
export function requestTestOf(
  { groupTest }: Decision,
  { calibration, controls, clusters }: NullScores,
): RequestTest {
  if (!clusters) return { groupTest };
  return {
    groupTest,
    clusters: {
      calibration: scoredClusters(fractions(calibration), clusters.calibration),
      controls: scoredClusters(fractions(controls), clusters.controls),
    },
  };
}

/** The result leaves of one block. */
export interface LeafBlock {
  readonly blockIndex: number;
  /** Canonical JSON, one line a leaf; no end after the last one. */
  readonly lines: string;
}

/** A millisecond or two; a socket's buffer is empty sooner. */
const LEAVES_AT_ONCE = 512;

/** Writes the result leaves block by block and adds them up. */
export class ResultTree {
  private readonly tally = new LeafTally();
  private readonly block = new ResultLeafBlock(BLOCK_WIDTH);
  private readonly roots: Uint8Array[] = [];
  /** Root of each block's subtree, base64. */
  readonly blockRoots: string[] = [];

  /** @param secret 32 random bytes that blind the leaves of this verification */
  constructor(
    private readonly leaves: CommittedLeaves,
    private readonly decision: Pick<Decision, 'samples'>,
    private readonly secret: Uint8Array,
  ) {}

  /**
   * Yields every block once, in order, and null now and then while one is made, for whoever has other things to do
   * meanwhile; {@link summary} is complete afterwards.
   */
  *blocks(): Generator<LeafBlock | null> {
    const size = this.leaves.scores.length;
    for (let from = 0; from < size; from += BLOCK_WIDTH) {
      const to = Math.min(size, from + BLOCK_WIDTH);
      const blinds = resultBlinds(this.secret, BigInt(from), to - from);
      for (let index = from; index < to; index++) {
        if (index % LEAVES_AT_ONCE === LEAVES_AT_ONCE - 1) yield null;
        const place = (index - from) * BLIND_BYTES;
        const leaf = this.leaf(index, blinds.subarray(place, place + BLIND_BYTES));
        this.tally.count(leaf);
        this.block.add(leaf);
      }
      const { lines, root } = this.block.take();
      this.roots.push(root);
      this.blockRoots.push(Buffer.from(root).toString('base64'));
      yield { blockIndex: from / BLOCK_WIDTH, lines };
    }
  }

  /** Blocks but the last one are perfect subtrees, so the root over their roots is the root of the tree. */
  summary(): Omit<ResultSummary, 'commitmentRootHash'> {
    const treeSize = BigInt(this.leaves.scores.length);
    return { treeSize, rootHash: rootOf(this.roots), ...this.tally.summary() };
  }

  private leaf(index: number, blind: Uint8Array): ResultLeaf {
    const { verdict, pResidual, pMember } = this.decision.samples.at(index);
    const score = this.leaves.scores[index]!;
    return {
      index: BigInt(index),
      leafHash: this.leaves.leafHashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
      verdict,
      score: score < 0 ? null : score,
      pResidual: pResidual === null ? null : toMillionths(pResidual),
      pMember: pMember === null ? null : toMillionths(pMember),
      blind,
    };
  }
}
