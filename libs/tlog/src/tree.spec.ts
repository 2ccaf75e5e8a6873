import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkConsistency } from './consistency-proof.js';
import { EMPTY_ROOT, hashLeaf, hashNode } from './hash.js';
import { checkInclusion } from './inclusion-proof.js';
import { MemoryTree, rootOf } from './tree.js';

const leaves = Array.from({ length: 1200 }, (_, i) => hashLeaf(Buffer.from(`entry ${i}`)));

/** RFC 6962 section 2.1, MTH, as written there. */
function mth(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return EMPTY_ROOT;
  if (hashes.length === 1) return hashes[0]!;
  const k = 2 ** Math.ceil(Math.log2(hashes.length) - 1);
  return hashNode(mth(hashes.slice(0, k)), mth(hashes.slice(k)));
}

/** RFC 6962 section 2.1.1, PATH. */
function path(m: number, hashes: readonly Uint8Array[]): Uint8Array[] {
  if (hashes.length <= 1) return [];
  const k = 2 ** Math.ceil(Math.log2(hashes.length) - 1);
  return m < k
    ? [...path(m, hashes.slice(0, k)), mth(hashes.slice(k))]
    : [...path(m - k, hashes.slice(k)), mth(hashes.slice(0, k))];
}

/** RFC 6962 section 2.1.2, SUBPROOF. */
function subproof(m: number, hashes: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === hashes.length) return whole ? [] : [mth(hashes)];
  const k = 2 ** Math.ceil(Math.log2(hashes.length) - 1);
  return m <= k
    ? [...subproof(m, hashes.slice(0, k), whole), mth(hashes.slice(k))]
    : [...subproof(m - k, hashes.slice(k), false), mth(hashes.slice(0, k))];
}

const EXHAUSTIVE = 130;

describe('MemoryTree', () => {
  const tree = new MemoryTree(leaves.slice(0, EXHAUSTIVE));
  const roots = Array.from({ length: EXHAUSTIVE + 1 }, (_, size) => tree.root(BigInt(size)));

  it('has the root of the RFC at every size', () => {
    for (let size = 0; size <= EXHAUSTIVE; size++) {
      expect(roots[size]).toEqual(mth(leaves.slice(0, size)));
      expect(roots[size]).toEqual(rootOf(leaves.slice(0, size)));
    }
  });

  it('proves every leaf at every size, as the RFC does', () => {
    for (let size = 1; size <= EXHAUSTIVE; size++) {
      for (let index = 0; index < size; index++) {
        const proof = tree.proveInclusion(BigInt(index), BigInt(size));
        checkInclusion({
          leafHash: leaves[index]!,
          leafIndex: BigInt(index),
          treeSize: BigInt(size),
          proof,
          rootHash: roots[size]!,
        });
        if (size <= 40) expect(proof).toEqual(path(index, leaves.slice(0, size)));
      }
    }
  });

  it('proves every pair of sizes consistent, as the RFC does', () => {
    for (let to = 1; to <= EXHAUSTIVE; to++) {
      for (let from = 1; from <= to; from++) {
        const proof = tree.proveConsistency(BigInt(from), BigInt(to));
        checkConsistency({
          fromSize: BigInt(from),
          fromRoot: roots[from]!,
          toSize: BigInt(to),
          toRoot: roots[to]!,
          proof,
        });
        if (to <= 40) expect(proof).toEqual(subproof(from, leaves.slice(0, to), true));
      }
    }
    expect(tree.proveConsistency(0n, 7n)).toEqual([]);
  });

  it('agrees with the RFC on random larger trees', () => {
    const large = new MemoryTree(leaves);
    fc.assert(
      fc.property(
        fc
          .integer({ min: 131, max: leaves.length })
          .chain((size) =>
            fc.record({ size: fc.constant(size), other: fc.integer({ min: 1, max: size - 1 }) }),
          ),
        ({ size, other }) => {
          const part = leaves.slice(0, size);
          expect(large.root(BigInt(size))).toEqual(mth(part));
          expect(large.proveInclusion(BigInt(other), BigInt(size))).toEqual(path(other, part));
          expect(large.proveConsistency(BigInt(other), BigInt(size))).toEqual(subproof(other, part, true));
        },
      ),
      { seed: 6962, numRuns: 60 },
    );
  });

  it.each([
    ['a leaf past the end', () => tree.proveInclusion(130n)],
    ['a leaf past an earlier size', () => tree.proveInclusion(5n, 5n)],
    ['a negative leaf', () => tree.proveInclusion(-1n)],
    ['a size it has not reached', () => tree.root(131n)],
    ['a shrinking pair', () => tree.proveConsistency(6n, 5n)],
    ['a negative older size', () => tree.proveConsistency(-1n, 5n)],
  ])('refuses %s', (_, ask) => {
    expect(ask).toThrow(expect.objectContaining({ code: 'TLOG_OUT_OF_RANGE' }));
  });

  it('refuses a leaf hash of another length', () => {
    expect(() => new MemoryTree([new Uint8Array(31)])).toThrow(
      expect.objectContaining({ code: 'TLOG_HASHES_MALFORMED' }),
    );
  });
});
