import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT, hashLeaf } from './hash.js';
import { CompactRange } from './compact-range.js';
import type { TileCoordinates } from './tile.js';
import { tilesForAppend } from './tile-append.js';
import {
  proveConsistencyFromTiles,
  proveInclusionFromTiles,
  rootFromTiles,
  treeEdge,
  type TreeEdge,
} from './tile-proof.js';
import { MemoryTree } from './tree.js';

const SIZE = 67_000;
const leaves = Array.from({ length: SIZE }, (_, i) => hashLeaf(Buffer.from(`stored ${i}`)));
const tree = new MemoryTree(leaves);
const stored = new Map(
  tilesForAppend({ treeSize: 0n, edge: [], leafHashes: leaves }).tiles.map((tile) => [
    `${tile.level}/${tile.index}`,
    tile.hashes,
  ]),
);

/** Serves tiles as wide as they are now, wider than an earlier tree had them, and keeps count. */
class CountingReader {
  calls: (readonly TileCoordinates[])[] = [];

  readTiles(tiles: readonly TileCoordinates[]): Promise<Uint8Array[]> {
    this.calls.push(tiles);
    return Promise.resolve(tiles.map(({ level, index }) => stored.get(`${level}/${index}`)!));
  }

  mostPerLevel(): number {
    const levels = this.calls.flat().map(({ level }) => level);
    return Math.max(0, ...levels.map((level) => levels.filter((other) => other === level).length));
  }
}

function edgeOf(size: number): TreeEdge {
  const range = CompactRange.empty();
  for (const leaf of leaves.slice(0, size)) range.append(leaf);
  return treeEdge(range);
}

const pairs = fc
  .oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: SIZE }), fc.constant(65_536))
  .chain((size) => fc.record({ size: fc.constant(size), smaller: fc.integer({ min: 0, max: size - 1 }) }));

describe('proofs from tiles', () => {
  it('equal those from memory, in one read, with two tiles a level at most', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async ({ size, smaller }) => {
        const [a, b] = [BigInt(smaller), BigInt(size)];
        const inclusion = new CountingReader();
        expect(await proveInclusionFromTiles(inclusion, a, b)).toEqual(tree.proveInclusion(a, b));
        const consistency = new CountingReader();
        expect(await proveConsistencyFromTiles(consistency, a, b)).toEqual(tree.proveConsistency(a, b));
        const root = new CountingReader();
        expect(await rootFromTiles(root, b)).toEqual(tree.root(b));
        expect(root.mostPerLevel()).toBe(1);
        for (const reader of [inclusion, consistency, root]) {
          expect(reader.calls.length).toBeLessThanOrEqual(1);
          expect(reader.mostPerLevel()).toBeLessThanOrEqual(2);
        }
      }),
      { seed: 9, numRuns: 300 },
    );
  });

  it('read at most one tile a level where the right edge is known', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async ({ size, smaller }) => {
        const [a, b] = [BigInt(smaller), BigInt(size)];
        const edge = edgeOf(size);
        const inclusion = new CountingReader();
        expect(await proveInclusionFromTiles(inclusion, a, b, edge)).toEqual(tree.proveInclusion(a, b));
        expect(inclusion.mostPerLevel()).toBeLessThanOrEqual(1);
        const consistency = new CountingReader();
        expect(await proveConsistencyFromTiles(consistency, a, b, edge)).toEqual(tree.proveConsistency(a, b));
        expect(consistency.mostPerLevel()).toBeLessThanOrEqual(1);
      }),
      { seed: 10, numRuns: 60 },
    );
  });

  it('are exhaustively right around the first full tiles', async () => {
    for (const size of [1, 2, 255, 256, 257, 513]) {
      for (let index = 0; index < size; index += size > 300 ? 7 : 1) {
        const [a, b] = [BigInt(index), BigInt(size)];
        const reader = new CountingReader();
        expect(await proveInclusionFromTiles(reader, a, b)).toEqual(tree.proveInclusion(a, b));
        expect(await proveConsistencyFromTiles(reader, a, b)).toEqual(tree.proveConsistency(a, b));
      }
    }
  });

  it('ask for tiles as wide as the tree of that size has them', async () => {
    const reader = new CountingReader();
    await rootFromTiles(reader, 65_793n);
    expect(reader.calls).toEqual([
      [
        { level: 2, index: 0n, width: 1 },
        { level: 1, index: 1n, width: 1 },
        { level: 0, index: 257n, width: 1 },
      ],
    ]);
  });

  it('need no tile for the empty tree', async () => {
    const reader = new CountingReader();
    expect(await rootFromTiles(reader, 0n)).toEqual(EMPTY_ROOT);
    expect(await proveConsistencyFromTiles(reader, 0n, 5n)).toEqual([]);
    expect(reader.calls).toEqual([]);
  });

  it.each([
    ['too few tiles', () => []],
    ['a tile cut short', () => [new Uint8Array(32)]],
    ['a torn hash', () => [new Uint8Array(33 * 3)]],
    ['a tile above 256 hashes', () => [new Uint8Array(257 * 32)]],
  ])('refuse a reader that returns %s', async (_, tiles) => {
    const reader = { readTiles: () => Promise.resolve(tiles()) };
    await expect(rootFromTiles(reader, 3n)).rejects.toMatchObject({ code: 'TLOG_TILE_MALFORMED' });
  });

  it('refuse a leaf outside the tree and an edge of another size', async () => {
    const reader = new CountingReader();
    await expect(proveInclusionFromTiles(reader, 5n, 5n)).rejects.toMatchObject({
      code: 'TLOG_OUT_OF_RANGE',
    });
    await expect(proveInclusionFromTiles(reader, 5n, 9n, edgeOf(8))).rejects.toMatchObject({
      code: 'TLOG_OUT_OF_RANGE',
    });
  });
});
