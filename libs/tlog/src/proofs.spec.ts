import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkConsistency } from './consistency-proof.js';
import { hashLeaf } from './hash.js';
import { checkInclusion } from './inclusion-proof.js';
import { MemoryTree } from './tree.js';

const tree = new MemoryTree(Array.from({ length: 700 }, (_, i) => hashLeaf(Buffer.from(`proof ${i}`))));
const leafHashes = Array.from({ length: 700 }, (_, i) => hashLeaf(Buffer.from(`proof ${i}`)));

const sizes = fc
  .integer({ min: 2, max: 700 })
  .chain((size) => fc.record({ size: fc.constant(size), smaller: fc.integer({ min: 0, max: size - 1 }) }));

function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  const at = bit % (bytes.length * 8);
  flipped[at >> 3]! ^= 1 << (at & 7);
  return flipped;
}

const replace = <T>(list: readonly T[], at: number, item: T) => list.map((old, i) => (i === at ? item : old));
const inclusionBroken = expect.objectContaining({ code: 'TLOG_INCLUSION_BROKEN' }) as Error;
const consistencyBroken = expect.objectContaining({ code: 'TLOG_CONSISTENCY_BROKEN' }) as Error;

describe('checkInclusion', () => {
  const claimOf = (size: number, index: number) => ({
    leafHash: leafHashes[index]!,
    leafIndex: BigInt(index),
    treeSize: BigInt(size),
    proof: tree.proveInclusion(BigInt(index), BigInt(size)),
    rootHash: tree.root(BigInt(size)),
  });

  it('refuses any flipped bit, in leaf, proof or root', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), ({ size, smaller }, part, bit) => {
        const claim = claimOf(size, smaller);
        checkInclusion(claim);
        const at = part % (claim.proof.length + 2);
        const forged =
          at === claim.proof.length
            ? { ...claim, leafHash: flipBit(claim.leafHash, bit) }
            : at > claim.proof.length
              ? { ...claim, rootHash: flipBit(claim.rootHash, bit) }
              : { ...claim, proof: replace(claim.proof, at, flipBit(claim.proof[at]!, bit)) };
        expect(() => checkInclusion(forged)).toThrow(inclusionBroken);
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it('refuses every other index, and a proof cut, extended or reordered', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ({ size, smaller }, other) => {
        const claim = claimOf(size, smaller);
        const { proof } = claim;
        const index = BigInt(other % size);
        if (index !== claim.leafIndex) {
          expect(() => checkInclusion({ ...claim, leafIndex: index })).toThrow(inclusionBroken);
        }
        for (const wrong of [proof.slice(1), proof.slice(0, -1), [...proof, claim.rootHash]]) {
          expect(() => checkInclusion({ ...claim, proof: wrong })).toThrow(inclusionBroken);
        }
        if (proof.length > 1) {
          expect(() => checkInclusion({ ...claim, proof: proof.toReversed() })).toThrow(inclusionBroken);
        }
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it('ends on sizes at the limit', () => {
    const claim = {
      leafHash: leafHashes[0]!,
      leafIndex: 2n ** 63n - 2n,
      proof: [],
      rootHash: leafHashes[0]!,
    };
    expect(() => checkInclusion({ ...claim, treeSize: 2n ** 63n - 1n })).toThrow(inclusionBroken);
    expect(() => checkInclusion({ ...claim, treeSize: 2n ** 63n })).toThrow(inclusionBroken);
  });
});

describe('checkConsistency', () => {
  const claimOf = (to: number, from: number) => ({
    fromSize: BigInt(from),
    fromRoot: tree.root(BigInt(from)),
    toSize: BigInt(to),
    toRoot: tree.root(BigInt(to)),
    proof: tree.proveConsistency(BigInt(from), BigInt(to)),
  });

  it('refuses any flipped bit, in either root or the proof', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), ({ size, smaller }, part, bit) => {
        fc.pre(smaller > 0);
        const claim = claimOf(size, smaller);
        checkConsistency(claim);
        const at = part % (claim.proof.length + 2);
        const forged =
          at === claim.proof.length
            ? { ...claim, fromRoot: flipBit(claim.fromRoot, bit) }
            : at > claim.proof.length
              ? { ...claim, toRoot: flipBit(claim.toRoot, bit) }
              : { ...claim, proof: replace(claim.proof, at, flipBit(claim.proof[at]!, bit)) };
        expect(() => checkConsistency(forged)).toThrow(consistencyBroken);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  it('refuses a tree in which one old leaf was exchanged', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ({ size, smaller }, at) => {
        fc.pre(smaller > 0);
        const forged = new MemoryTree(
          replace(leafHashes.slice(0, size), at % smaller, hashLeaf(Uint8Array.of(9))),
        );
        const claim = {
          ...claimOf(size, smaller),
          toRoot: forged.root(),
          proof: forged.proveConsistency(BigInt(smaller)),
        };
        expect(() => checkConsistency(claim)).toThrow(consistencyBroken);
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it('refuses a proof of another height under a size it does not reach', () => {
    expect(() => checkConsistency({ ...claimOf(8, 4), toSize: 16n })).toThrow(consistencyBroken);
    expect(() => checkConsistency({ ...claimOf(16, 4), toSize: 8n })).toThrow(consistencyBroken);
  });

  it('refuses a shrinking tree, an empty start and an empty proof', () => {
    expect(() => checkConsistency({ ...claimOf(9, 5), fromSize: 9n, toSize: 5n })).toThrow(consistencyBroken);
    expect(() => checkConsistency({ ...claimOf(9, 5), proof: [] })).toThrow(consistencyBroken);
    expect(() => checkConsistency({ ...claimOf(9, 5), fromSize: 0n, proof: [] })).toThrow(consistencyBroken);
  });
});
