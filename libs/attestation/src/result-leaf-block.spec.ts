import { hashNode, MemoryTree } from '@app/tlog';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyResultLeaf } from '../../../test/support/any-result-leaf.js';
import { formatResultLeaf, hashResultLeaf, type ResultLeaf } from './result-leaf.js';
import { ResultLeafBlock } from './result-leaf-block.js';
import { VERDICTS } from './statement.js';

const WIDTH = 200;
const block = new ResultLeafBlock(WIDTH);

/** By the writer of single leaves. */
function oneByOne(leaves: readonly ResultLeaf[]) {
  const lines = leaves.map(formatResultLeaf);
  return { lines: lines.join('\n'), root: new MemoryTree(lines.map(hashResultLeaf)).root() };
}

function atOnce(leaves: readonly ResultLeaf[]) {
  for (const leaf of leaves) block.add(leaf);
  return block.take();
}

const longest: ResultLeaf = {
  index: 2n ** 63n - 1n,
  leafHash: new Uint8Array(32).fill(255),
  verdict: VERDICTS.toSorted((a, b) => b.length - a.length)[0]!,
  score: 1_000_000,
  pResidual: 1_000_000,
  pMember: 1_000_000,
  blind: new Uint8Array(16).fill(255),
};

describe('a block of result leaves', () => {
  it('has the lines and the root that single leaves have, whatever was in it before', () => {
    fc.assert(
      fc.property(fc.array(anyResultLeaf, { minLength: 1, maxLength: WIDTH }), (leaves) => {
        expect(atOnce(leaves)).toEqual(oneByOne(leaves));
      }),
      { seed: 5, numRuns: 100 },
    );
  });

  it.each([1, 63, 64, 65, 128, 199, 200])('takes %i of the longest', (count) => {
    const leaves = Array.from({ length: count }, () => longest);
    expect(atOnce(leaves)).toEqual(oneByOne(leaves));
  });

  it('takes no more than it was made for', () => {
    const small = new ResultLeafBlock(2);
    for (let i = 0; i < 2; i++) small.add(longest);
    expect(() => small.add(longest)).toThrow('as many leaves');
    const hash = hashResultLeaf(formatResultLeaf(longest));
    expect(small.take().root).toEqual(hashNode(hash, hash));
  });

  it.each([
    ['an index beyond 2^63', { index: 2n ** 63n }],
    ['a negative score', { score: -1 }],
    ['a score above a million', { score: 1_000_001 }],
    ['a broken p-value', { pResidual: 0.5 }],
    ['a p-value that is not a number', { pMember: NaN }],
    ['a short blind', { blind: new Uint8Array(15) }],
    ['a short hash', { leafHash: new Uint8Array(31) }],
    ['another verdict', { verdict: 'CLEAN' as never }],
  ])('refuses %s and keeps what it has', (_, change) => {
    const own = new ResultLeafBlock(2);
    own.add(longest);
    expect(() => own.add({ ...longest, ...change })).toThrow(
      expect.objectContaining({ code: 'ATTESTATION_RESULTS_MISMATCH' }),
    );
    expect(own.take()).toEqual(oneByOne([longest]));
  });
});
