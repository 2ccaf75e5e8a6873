import { describe, expect, it } from 'vitest';
import { CompactRange } from './compact-range.js';
import { EMPTY_ROOT, hashLeaf } from './hash.js';
import { MemoryTree } from './tree.js';

const leaves = Array.from({ length: 300 }, (_, i) => hashLeaf(Uint8Array.of(i & 0xff, i >> 8)));

describe('CompactRange', () => {
  it('has the tree root at every size, also when resumed from its hashes', () => {
    const tree = new MemoryTree(leaves);
    const range = CompactRange.empty();
    expect(range.root()).toEqual(EMPTY_ROOT);
    for (const [i, leaf] of leaves.entries()) {
      const resumed = CompactRange.fromHashes(range.treeSize, range.hashes);
      range.append(leaf);
      resumed.append(leaf);
      expect(range.treeSize).toBe(BigInt(i + 1));
      expect(range.root()).toEqual(tree.root(BigInt(i + 1)));
      expect(resumed.hashes).toEqual(range.hashes);
    }
  });

  it('hands out hashes that later appends do not change', () => {
    const range = CompactRange.empty();
    range.append(leaves[0]!);
    const before = range.hashes;
    range.append(leaves[1]!);
    expect(before).toEqual([leaves[0]]);
  });

  it.each([
    ['too few hashes', 3n, [leaves[0]!]],
    ['too many hashes', 2n, [leaves[0]!, leaves[1]!]],
    ['a hash of another length', 1n, [new Uint8Array(20)]],
  ])('refuses %s', (_, size, hashes) => {
    expect(() => CompactRange.fromHashes(size, hashes)).toThrow(
      expect.objectContaining({ code: 'TLOG_HASHES_MALFORMED' }),
    );
  });

  it('refuses sizes no tree has', () => {
    for (const size of [-1n, 2n ** 63n]) {
      expect(() => CompactRange.fromHashes(size, [])).toThrow(
        expect.objectContaining({ code: 'TLOG_OUT_OF_RANGE' }),
      );
    }
  });
});
