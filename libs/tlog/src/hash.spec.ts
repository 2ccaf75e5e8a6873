import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT, equalBytes, hashLeaf, hashNode, hashNodeInto } from './hash.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const reference = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');

describe('RFC 6962 hashing', () => {
  it('has the known empty root and the known hash of an empty leaf', () => {
    expect(hex(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hex(hashLeaf(new Uint8Array(0)))).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });

  it.each([0, 1, 4095, 4096, 4097, 65_535])('hashes a leaf of %i bytes with prefix 00', (size) => {
    const data = Buffer.alloc(size, 0xa7);
    expect(hex(hashLeaf(data))).toBe(reference(Uint8Array.of(0), data));
  });

  it('hashes any node with prefix 01, apart and in place', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(hash, hash, (left, right) => {
        const expected = reference(Uint8Array.of(1), left, right);
        expect(hex(hashNode(left, right))).toBe(expected);
        const level = Buffer.concat([left, right]);
        hashNodeInto(level, 0, level, 0);
        expect(hex(level.subarray(0, 32))).toBe(expected);
      }),
      { seed: 1 },
    );
  });

  it('returns arrays that a later call does not change', () => {
    const first = hashLeaf(Uint8Array.of(1));
    const copy = first.slice();
    hashLeaf(Uint8Array.of(2));
    hashNode(first, first);
    expect(first).toEqual(copy);
  });
});

describe('equalBytes', () => {
  it('sees length and every byte', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
  });
});
