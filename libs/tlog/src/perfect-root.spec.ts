import { describe, expect, it } from 'vitest';
import { perfectRoot } from './perfect-root.js';
import { rootOf } from './tree.js';

const hashes = (count: number) =>
  Uint8Array.from({ length: 32 * count }, (_, at) => (at * 7 + (at >> 5)) & 0xff);
const each = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length / 32 }, (_, n) => bytes.subarray(32 * n, 32 * n + 32));

describe('perfectRoot', () => {
  it.each([
    ['an array', (bytes: Uint8Array) => bytes],
    ['a buffer, whose slices are views', (bytes: Uint8Array) => Buffer.from(bytes)],
  ])('is the root of the tree over the hashes in %s, of every width up to a tile', (_, holding) => {
    const widths = [256, 1, 128, 2, 64, 4, 32, 8, 16];
    for (const width of [...widths, ...widths.reverse()]) {
      const leaves = holding(hashes(width));
      expect(perfectRoot(leaves), String(width)).toEqual(rootOf(each(hashes(width))));
      expect(new Uint8Array(leaves)).toEqual(hashes(width));
    }
  });

  it.each([0, 3, 48, 255, 512])('refuses %s hashes', (width) => {
    expect(() => perfectRoot(hashes(width))).toThrow('power of two');
  });
});
