/**
 * The right edge of a tree: the roots of its perfect subtrees, at most one per set bit of its size. It is all
 * that appending needs, so a log of any size continues from 63 hashes or fewer. Invariant: `hashes.length` is
 * the number of set bits of `treeSize`, largest subtree first. Proven by compact-range.spec.ts.
 */
import { TlogError } from './errors.js';
import { EMPTY_ROOT, HASH_BYTES, hashNode } from './hash.js';
import { foldSubtreeRoots, requireTreeSize } from './subtrees.js';

function setBits(value: bigint): number {
  let count = 0;
  for (let rest = value; rest > 0n; rest >>= 1n) if (rest & 1n) count++;
  return count;
}

export class CompactRange {
  private size: bigint;
  private readonly edge: Uint8Array[];

  private constructor(size: bigint, edge: Uint8Array[]) {
    this.size = size;
    this.edge = edge;
  }

  static empty(): CompactRange {
    return new CompactRange(0n, []);
  }

  /**
   * The range of the first `treeSize` leaves.
   * @param hashes roots of the perfect subtrees of that tree, left (largest) to right (smallest).
   * @throws TLOG_HASHES_MALFORMED when their number or length does not fit the size.
   */
  static fromHashes(treeSize: bigint, hashes: readonly Uint8Array[]): CompactRange {
    requireTreeSize(treeSize);
    if (hashes.length !== setBits(treeSize) || hashes.some((hash) => hash.length !== HASH_BYTES)) {
      throw new TlogError('TLOG_HASHES_MALFORMED', 'the subtree roots do not fit the tree size');
    }
    return new CompactRange(treeSize, [...hashes]);
  }

  get treeSize(): bigint {
    return this.size;
  }

  /** Subtree roots, largest first, as `fromHashes` takes them. Copied: later appends do not change it. */
  get hashes(): readonly Uint8Array[] {
    return [...this.edge];
  }

  /** Adds one leaf hash (32 bytes); amortised one node hash. */
  append(leafHash: Uint8Array): void {
    let root = leafHash;
    for (let rest = this.size; rest & 1n; rest >>= 1n) root = hashNode(this.edge.pop()!, root);
    this.edge.push(root);
    this.size += 1n;
  }

  /** Root hash of the whole tree; {@link EMPTY_ROOT} when it has no leaf. */
  root(): Uint8Array {
    return this.edge.length === 0 ? EMPTY_ROOT : foldSubtreeRoots(this.edge);
  }
}
