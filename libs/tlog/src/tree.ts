/**
 * A whole tree in memory, for result trees, tests and audits: every level is kept as one byte array, so 10^6
 * leaves take 64 MB and any proof for any earlier size is a few dozen reads. Proven by tree.spec.ts against the
 * recursive definitions of RFC 6962 section 2.1, exhaustively for small trees.
 */
import { CompactRange } from './compact-range.js';
import { TlogError } from './errors.js';
import { EMPTY_ROOT, HASH_BYTES, hashNodeInto } from './hash.js';
import { consistencySpans, foldSubtreeRoots, inclusionSpans, perfectSubtrees } from './subtrees.js';
import type { Span } from './subtrees.js';

/** RFC 6962 root hash over leaf hashes (32 bytes each, in leaf order); {@link EMPTY_ROOT} for none. */
export function rootOf(leafHashes: readonly Uint8Array[]): Uint8Array {
  const range = CompactRange.empty();
  for (const leafHash of leafHashes) range.append(leafHash);
  return range.root();
}

export class MemoryTree {
  readonly treeSize: bigint;
  /** levels[h] holds the roots of the perfect subtrees of height h, 32 bytes each, left to right. */
  private readonly levels: readonly Uint8Array[];

  /**
   * @param leafHashes 32 bytes each, in leaf order; copied.
   * @throws TLOG_HASHES_MALFORMED when one has another length.
   */
  constructor(leafHashes: readonly Uint8Array[]) {
    const leaves = new Uint8Array(leafHashes.length * HASH_BYTES);
    for (const [i, leafHash] of leafHashes.entries()) {
      if (leafHash.length !== HASH_BYTES) {
        throw new TlogError('TLOG_HASHES_MALFORMED', 'a leaf hash must have 32 bytes');
      }
      leaves.set(leafHash, i * HASH_BYTES);
    }
    const levels = [leaves];
    for (let width = leafHashes.length >> 1; width > 0; width >>= 1) {
      const below = levels.at(-1)!;
      const level = new Uint8Array(width * HASH_BYTES);
      for (let i = 0; i < width; i++) hashNodeInto(level, i * HASH_BYTES, below, 2 * i * HASH_BYTES);
      levels.push(level);
    }
    this.levels = levels;
    this.treeSize = BigInt(leafHashes.length);
  }

  /** Root hash of the first `size` leaves. @throws TLOG_OUT_OF_RANGE */
  root(size: bigint = this.treeSize): Uint8Array {
    this.requireSize(size);
    return size === 0n ? EMPTY_ROOT : this.spanRoot(perfectSubtrees(0n, size));
  }

  /** Inclusion proof of leaf `index` in the tree of the first `size` leaves, leaf side first. @throws TLOG_OUT_OF_RANGE */
  proveInclusion(index: bigint, size: bigint = this.treeSize): Uint8Array[] {
    this.requireSize(size);
    return inclusionSpans(index, size).map((span) => this.spanRoot(span));
  }

  /**
   * Consistency proof between the trees of the first `from` and the first `to` leaves; empty when `from` is 0 or
   * equal to `to`. @throws TLOG_OUT_OF_RANGE
   */
  proveConsistency(from: bigint, to: bigint = this.treeSize): Uint8Array[] {
    this.requireSize(to);
    return consistencySpans(from, to).map((span) => this.spanRoot(span));
  }

  private requireSize(size: bigint): void {
    if (size < 0n || size > this.treeSize) {
      throw new TlogError('TLOG_OUT_OF_RANGE', 'the tree has fewer leaves than the size asked for');
    }
  }

  private spanRoot(span: Span): Uint8Array {
    return foldSubtreeRoots(
      span.map(({ height, index }) => {
        const offset = Number(index) * HASH_BYTES;
        return this.levels[height]!.slice(offset, offset + HASH_BYTES);
      }),
    );
  }
}
