import { describe, expect, it } from 'vitest';
import { perfectRoot } from './perfect-root.js';
import { rootOf } from './tree.js';

const hashes = (count: number) =>
  Uint8Array.from({ length: 32 * count }, (_, at) => (at * 7 + (at >> 5)) & 0xff);
const each = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length / 32 }, (_, n) => bytes.subarray(32 * n, 32 * n + 32));

describe('perfectRoot', () => {
  it('is the root of the tree over the hashes, of every width up to a tile, whatever came before', () => {
    const widths = [256, 1, 128, 2, 64, 4, 32, 8, 16];
    for (const width of [...widths, ...widths.reverse()]) {
      const leaves = hashes(width);
      expect(perfectRoot(leaves), String(width)).toEqual(rootOf(each(leaves)));
      expect(leaves).toEqual(hashes(width));
    }
  });

  it.each([0, 3, 48, 255, 512])('refuses %s hashes', (width) => {
    expect(() => perfectRoot(hashes(width))).toThrow('power of two');
  });
});
