/**
 * Which blocks of a subject still have to be scored. A block is 4,096 consecutive samples of a subject (the commitment
 * log, a sample set). Blocks are written once and only ever widened or completed, so whatever is stored stays true:
 *
 * - a stored block at least as wide as needed serves as it is, its first scores being those of the narrower block;
 * - a narrower one (the log grew) is extended;
 * - one with unscorable samples is completed when other recordings are known than when it was computed.
 *
 * Pure; proven by plan.spec.ts.
 */

/** Wider blocks would lose more work when a worker dies; narrower ones cost more jobs (10^8 commitments: 25,000). */
export const BLOCK_WIDTH = 4096;

/** What is known of a stored block without reading its scores. */
export interface StoredBlock {
  readonly blockIndex: number;
  /** 1..4096 */
  readonly width: number;
  /** Digest of the recordings that were known when it was computed, hexadecimal. */
  readonly inputs: string;
  readonly unscorable: number;
}

export interface NeededBlock {
  readonly blockIndex: number;
  /** Samples from the block's start that are needed, 1..4096. */
  readonly width: number;
}

export interface BlockPlan {
  readonly total: number;
  readonly missing: readonly NeededBlock[];
}

/** The blocks that cover `size` samples, the last one partial where `size` is no multiple of 4,096. */
export function blocksOf(size: number): NeededBlock[] {
  return Array.from({ length: Math.ceil(size / BLOCK_WIDTH) }, (_, blockIndex) => ({
    blockIndex,
    width: Math.min(BLOCK_WIDTH, size - blockIndex * BLOCK_WIDTH),
  }));
}

/**
 * The most informed of the stored versions of one block: the widest, then the one made from the recordings known now,
 * then the one with the fewest unscorable samples. Undefined when there is none.
 */
export function bestBlock<T extends StoredBlock>(versions: readonly T[], inputs: string): T | undefined {
  const rank = (block: T): [number, number, number] => [
    block.width,
    block.inputs === inputs ? 1 : 0,
    -block.unscorable,
  ];
  return versions.reduce<T | undefined>((best, block) => {
    if (!best) return block;
    const [a, b] = [rank(best), rank(block)];
    const difference = b.map((value, i) => value - a[i]!).find((value) => value !== 0) ?? 0;
    return difference > 0 ? block : best;
  }, undefined);
}

/** True when `block` answers for its first `width` samples as well as the recordings known now allow. */
export function isComplete(block: StoredBlock | undefined, width: number, inputs: string): boolean {
  return block !== undefined && block.width >= width && (block.unscorable === 0 || block.inputs === inputs);
}

/** Stored versions of each block, by block index. */
export function versionsByBlock<T extends StoredBlock>(stored: readonly T[]): Map<number, T[]> {
  const versions = new Map<number, T[]>();
  for (const block of stored) {
    const known = versions.get(block.blockIndex);
    if (known) known.push(block);
    else versions.set(block.blockIndex, [block]);
  }
  return versions;
}

/** What is known now of what a block is computed from. */
export interface BlockKnowledge {
  /** Digest of the signals known now, hexadecimal. */
  readonly inputs: string;
  /** Whether another look may give signals to samples that had none. */
  readonly retry: boolean;
}

/** The blocks of a subject of `size` samples that have to be computed. */
export function planBlocks(
  size: number,
  stored: readonly StoredBlock[],
  known: (block: NeededBlock) => BlockKnowledge,
): BlockPlan {
  const versions = versionsByBlock(stored);
  const needed = blocksOf(size);
  return {
    total: needed.length,
    missing: needed.filter((block) => {
      const { inputs, retry } = known(block);
      const best = bestBlock(versions.get(block.blockIndex) ?? [], inputs);
      return !isComplete(best, block.width, inputs) || (retry && best!.unscorable > 0);
    }),
  };
}

/** Positions within a block that have to be scored, given the best version so far: new ones and unscorable ones. */
export function positionsToScore(
  width: number,
  best: (StoredBlock & { readonly scores: Int32Array }) | undefined,
  inputs: string,
): number[] {
  const retry = best !== undefined && best.inputs !== inputs;
  return Array.from({ length: width }, (_, position) => position).filter(
    (position) => !best || position >= best.width || (retry && best.scores[position] === UNSCORABLE_SCORE),
  );
}

/** Stands for "no score" among integer scores in millionths. */
export const UNSCORABLE_SCORE = -1;
/** Stands for "nothing left to score": the commitment's request is erased. Unlike the other it never gets a score. */
export const ERASED_SCORE = -2;
