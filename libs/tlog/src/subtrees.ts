/**
 * Which subtrees a proof is made of, worked out on indexes alone, so that a tree in memory and a tree in tiles
 * share one description (RFC 6962 sections 2.1, 2.1.1 and 2.1.2). A proof hash is the root of a *span* of
 * consecutive leaves; a span is stored as the perfect subtrees it divides into, left to right. Every span but
 * the one that reaches the ragged right edge is a single perfect subtree. Proven by tree.spec.ts.
 */
import { TlogError } from './errors.js';
import { hashNode } from './hash.js';
import { invariant } from '@app/errors';

/** Perfect subtree over the leaves [index × 2^height, (index + 1) × 2^height). Height 0 is a leaf. */
export interface Subtree {
  readonly height: number;
  readonly index: bigint;
}

export type Span = readonly Subtree[];

/** Beyond 2^63 - 1 other implementations (signed 64-bit) could not follow. */
export const MAX_TREE_SIZE = 2n ** 63n - 1n;

/** @throws TLOG_OUT_OF_RANGE unless `size` is a tree size. */
export function requireTreeSize(size: bigint): void {
  if (size < 0n || size > MAX_TREE_SIZE) {
    throw new TlogError('TLOG_OUT_OF_RANGE', 'a tree size must lie between 0 and 2^63 - 1');
  }
}

/**
 * The perfect subtrees of the leaves [begin, end), left to right, largest possible first. `begin` must be 0 or
 * aligned as RFC 6962 splits are, so that folding them from the right gives the span's root.
 */
export function perfectSubtrees(begin: bigint, end: bigint): Subtree[] {
  const subtrees: Subtree[] = [];
  let position = begin;
  while (position < end) {
    let height = 0;
    while (((position >> BigInt(height)) & 1n) === 0n && position + (2n << BigInt(height)) <= end) height++;
    subtrees.push({ height, index: position >> BigInt(height) });
    position += 1n << BigInt(height);
  }
  return subtrees;
}

/** The root over adjacent subtree roots given left to right (at least one). */
export function foldSubtreeRoots(roots: readonly Uint8Array[]): Uint8Array {
  const last = roots.at(-1);
  invariant(last, 'a span has at least one subtree');
  let root = last;
  for (let i = roots.length - 2; i >= 0; i--) root = hashNode(roots[i]!, root);
  return root;
}

/** What is left of a tree, and the spans beside the way there, from the top down. */
interface Descent {
  readonly begin: bigint;
  readonly end: bigint;
  readonly spans: Span[];
}

/**
 * Splits the leaves [0, size) as RFC 6962 does, at the largest power of two below their number, and goes on in one half.
 * @param isDone never false of a single leaf
 */
function descend(
  size: bigint,
  isDone: (begin: bigint, end: bigint) => boolean,
  goesLeft: (middle: bigint) => boolean,
): Descent {
  const spans: Span[] = [];
  let begin = 0n;
  let end = size;
  let height = size.toString(2).length;
  while (!isDone(begin, end)) {
    while (1n << BigInt(height) >= end - begin) height--;
    const middle = begin + (1n << BigInt(height));
    if (goesLeft(middle)) {
      spans.push(spanOf(middle, end, height));
      end = middle;
    } else {
      spans.push(spanOf(begin, middle, height));
      begin = middle;
    }
  }
  return { begin, end, spans };
}

/** Nearly always a whole half: {@link perfectSubtrees} would look for its height from the bottom up. */
function spanOf(begin: bigint, end: bigint, height: number): Span {
  const width = 1n << BigInt(height);
  return end - begin === width ? [{ height, index: begin / width }] : perfectSubtrees(begin, end);
}

/**
 * The spans of the inclusion proof of leaf `index` in the tree of `size`, from the leaf's sibling up.
 * @throws TLOG_OUT_OF_RANGE unless 0 <= index < size.
 */
export function inclusionSpans(index: bigint, size: bigint): Span[] {
  requireTreeSize(size);
  if (index < 0n || index >= size) {
    throw new TlogError('TLOG_OUT_OF_RANGE', 'the leaf index is not in the tree');
  }
  const { spans } = descend(
    size,
    (begin, end) => end - begin === 1n,
    (middle) => index < middle,
  );
  return spans.reverse();
}

/**
 * The spans of the consistency proof from the tree of `from` leaves to that of `to`, in proof order. Empty when
 * the sizes are equal, and when `from` is 0: nothing has to be shown for an empty tree (C2SP tlog-witness).
 * @throws TLOG_OUT_OF_RANGE unless 0 <= from <= to.
 */
export function consistencySpans(from: bigint, to: bigint): Span[] {
  requireTreeSize(from);
  requireTreeSize(to);
  if (from > to) throw new TlogError('TLOG_OUT_OF_RANGE', 'the older tree is larger than the newer one');
  if (from === 0n || from === to) return [];
  const { spans, begin, end } = descend(
    to,
    (_, end) => end === from,
    (middle) => from <= middle,
  );
  // The verifier knows the old root already, so it is left out where it is a whole subtree of the new tree.
  if (begin !== 0n) spans.push(perfectSubtrees(begin, end));
  return spans.reverse();
}
