import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashLeaf } from './hash.js';
import { LeafBatch } from './leaf-batch.js';
import { sealLeaf } from './salted-leaf.js';

/** Puts content and salt into each slot, seals, and holds leaf and hash against those made one by one. */
function expectSealed(batch: LeafBatch, type: string, contents: readonly string[]): void {
  const salts = randomBytes(contents.length * 32);
  for (const [slot, content] of contents.entries()) {
    batch.content(slot, Buffer.byteLength(content)).write(content);
    batch.salt(slot, salts, slot * 32);
  }
  batch.seal();
  for (const [slot, content] of contents.entries()) {
    const expected = sealLeaf({ type, content, salt: salts.subarray(slot * 32, slot * 32 + 32) });
    expect(Buffer.from(batch.leaf(slot)).toString()).toBe(Buffer.from(expected).toString());
    const hashes = new Uint8Array(96);
    batch.hashInto(slot, hashes, 32);
    expect(hashes.subarray(32, 64)).toEqual(hashLeaf(expected));
    expect([...hashes.subarray(0, 32), ...hashes.subarray(64)].every((byte) => byte === 0)).toBe(true);
  }
}

const contentsOf = (length: (slot: number) => number) =>
  Array.from({ length: LeafBatch.slots }, (_, slot) => `é${String(slot % 10).repeat(length(slot))}`);

describe('LeafBatch', () => {
  it('makes the leaves that sealLeaf makes, of contents of every length, also after longer and shorter ones', () => {
    const batch = new LeafBatch('commitment', 330);
    for (const length of [
      (slot: number) => slot,
      (slot: number) => 328 - slot,
      (slot: number) => (slot * 37) % 329,
      () => 328,
      () => 0,
    ])
      expectSealed(batch, 'commitment', contentsOf(length));
  });

  it.each(['a', 'model.registered', 'x'.repeat(64)])('seals leaves of type %s', (type) => {
    expectSealed(
      new LeafBatch(type, 100),
      type,
      contentsOf(() => 90),
    );
  });

  it('fills some slots only', () => {
    expectSealed(new LeafBatch('commitment', 100), 'commitment', ['{}', '', '{"a":1}']);
  });

  it('keeps a content of the same length, for what is the same in the next', () => {
    const batch = new LeafBatch('commitment', 100);
    batch.content(3, 10).write('0123456789');
    expect(batch.content(3, 10).toString()).toBe('0123456789');
  });

  it('refuses a type that is no name, and a salt that is cut short', () => {
    expect(() => new LeafBatch('Not a name', 10)).toThrow(
      expect.objectContaining({ code: 'TLOG_LEAF_MALFORMED' }),
    );
    expect(() => new LeafBatch('commitment', 10).salt(0, randomBytes(63), 32)).toThrow(
      expect.objectContaining({ code: 'TLOG_LEAF_MALFORMED' }),
    );
  });
});
