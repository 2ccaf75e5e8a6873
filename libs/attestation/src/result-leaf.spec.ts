import { canonicalJson, checkInclusion, hashLeaf } from '@app/tlog';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyResultLeaf } from '../../../test/support/any-result-leaf.js';
import { bytes32, commitmentsOf, resultsOf } from './ledger.fixture.js';
import type { ResultLeaf } from './result-leaf.js';
import {
  formatResultLeaf,
  hashResultLeaf,
  parseResultLeaf,
  resultBlinds,
  resultTree,
} from './result-leaf.js';

const results = resultsOf(commitmentsOf());

describe('a result leaf', () => {
  it('is one line of canonical JSON', () => {
    const leaf = { ...results[3]!, leafHash: new Uint8Array(32), blind: new Uint8Array(16) };
    expect(formatResultLeaf(leaf)).toBe(
      `{"blind":"AAAAAAAAAAAAAAAAAAAAAA==","index":"3","leafHash":"${'A'.repeat(43)}=",` +
        '"pMember":1000,"pResidual":500000,"score":900003,"verdict":"NO_RESIDUAL_EVIDENCE","version":1}',
    );
  });

  it('is written as the general writer of canonical JSON would write it', () => {
    fc.assert(
      fc.property(anyResultLeaf, (leaf) => {
        const text = formatResultLeaf(leaf);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { seed: 3 },
    );
  });

  it('reads back what was written', () => {
    fc.assert(
      fc.property(anyResultLeaf, (leaf) => {
        expect(parseResultLeaf(formatResultLeaf(leaf))).toEqual(leaf);
      }),
      { seed: 2 },
    );
  });

  it.each<[string, Partial<Record<keyof ResultLeaf, unknown>>]>([
    ['a score above one', { score: 1_000_001 }],
    ['a fraction of a millionth', { pResidual: 0.5 }],
    ['NaN', { pMember: NaN }],
    ['a word that is no verdict', { verdict: 'PROVEN' }],
    ['a short leaf hash', { leafHash: new Uint8Array(31) }],
    ['a short blind', { blind: new Uint8Array(8) }],
    ['a negative index', { index: -1n }],
  ])('is never written with %s', (_name, change) => {
    expect(() => formatResultLeaf({ ...results[0]!, ...change } as ResultLeaf)).toThrow(
      expect.objectContaining({ code: 'ATTESTATION_RESULTS_MISMATCH' }),
    );
  });

  it('names where it stands when it cannot be read', () => {
    expect(() => parseResultLeaf('{}', 'line 17')).toThrow(
      expect.objectContaining({ details: { where: 'line 17' } }),
    );
  });
});

describe('resultBlinds', () => {
  it('are fixed by secret and index and differ with either', () => {
    const blind = (secret: string, index: bigint) =>
      Buffer.from(resultBlinds(bytes32(secret), index, 1)).toString('hex');
    expect(blind('a', 0n)).toBe(blind('a', 0n));
    expect(new Set([blind('a', 0n), blind('a', 1n), blind('b', 0n), blind('a', 10n)]).size).toBe(4);
  });

  it('are the same one by one and many at once, also past 2^32', () => {
    for (const first of [0n, 2n ** 32n - 3n, 2n ** 63n - 9n]) {
      const together = Buffer.from(resultBlinds(bytes32('a'), first, 8));
      const single = Array.from({ length: 8 }, (_, i) => resultBlinds(bytes32('a'), first + BigInt(i), 1));
      expect(together).toEqual(Buffer.concat(single));
    }
  });
});

describe('resultTree', () => {
  it('proves each result', () => {
    const tree = resultTree(results);
    for (const leaf of results) {
      const leafHash = hashResultLeaf(formatResultLeaf(leaf));
      expect(leafHash).toEqual(hashLeaf(Buffer.from(formatResultLeaf(leaf))));
      const proof = tree.proveInclusion(leaf.index);
      checkInclusion({ leafHash, leafIndex: leaf.index, treeSize: 13n, proof, rootHash: tree.root() });
    }
  });

  it('refuses results that are not dense and in order', () => {
    for (const bad of [results.slice(1), results.toReversed(), results.toSpliced(4, 1)])
      expect(() => resultTree(bad)).toThrow(
        expect.objectContaining({ code: 'ATTESTATION_RESULTS_INCOMPLETE' }),
      );
  });
});
