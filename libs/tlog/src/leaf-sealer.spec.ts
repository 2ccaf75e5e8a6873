import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashLeaf } from './hash.js';
import { LeafSealer } from './leaf-sealer.js';
import { sealLeaf } from './salted-leaf.js';

describe('LeafSealer', () => {
  it('makes the leaves that sealLeaf makes, of contents of every length around a block', () => {
    const sealer = new LeafSealer('commitment');
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 330, 1024, 1025, 5000, 3]) {
      const content = `é${'x'.repeat(length)}`;
      const salts = randomBytes(96);
      const source = Buffer.from(`before${content}after`);
      sealer.seal(source, 6, source.length - 5, salts, 32);
      const expected = sealLeaf({ type: 'commitment', content, salt: salts.subarray(32, 64) });
      expect(sealer.leaf.toString()).toBe(Buffer.from(expected).toString());
      const hashes = new Uint8Array(96);
      sealer.hashInto(hashes, 32);
      expect(hashes.subarray(32, 64)).toEqual(hashLeaf(expected));
      expect([...hashes.subarray(0, 32), ...hashes.subarray(64)].every((byte) => byte === 0)).toBe(true);
    }
  });

  it('refuses a type that is no name, and a salt that is cut short', () => {
    expect(() => new LeafSealer('Not a name')).toThrow(
      expect.objectContaining({ code: 'TLOG_LEAF_MALFORMED' }),
    );
    const sealer = new LeafSealer('commitment');
    expect(() => sealer.seal(Buffer.from('{}'), 0, 2, randomBytes(63), 32)).toThrow(
      expect.objectContaining({ code: 'TLOG_LEAF_MALFORMED' }),
    );
  });
});
