import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashLeaf } from './hash.js';
import { edgeTiles, levelWidth } from './tile.js';
import type { Tile } from './tile.js';
import { TileBuilder, tilesForAppend } from './tile-append.js';
import { MemoryTree } from './tree.js';

const SIZE = 66_400;
const leaves = Array.from({ length: SIZE }, (_, i) => hashLeaf(Buffer.from(`tile ${i}`)));
const tree = new MemoryTree(leaves);
const name = ({ level, index }: { level: number; index: bigint }) => `${level}/${index}`;

const spelled = (tiles: readonly Tile[]) =>
  tiles.map((tile) => `${name(tile)} ${tile.width} ${Buffer.from(tile.hashes).toString('base64')}`);

/** Every tile of the first `size` leaves, hash by hash from the specification's formula. */
function tilesOf(size: number): Map<string, Uint8Array> {
  const tiles = new Map<string, Uint8Array>();
  for (let level = 0; levelWidth(level, BigInt(size)) > 0n; level++) {
    const span = 256 ** level;
    const hashes = Array.from({ length: Math.floor(size / span) }, (_, i) =>
      level === 0 ? leaves[i]! : new MemoryTree(leaves.slice(i * span, (i + 1) * span)).root(),
    );
    for (let at = 0; at < hashes.length; at += 256) {
      tiles.set(name({ level, index: BigInt(at / 256) }), Buffer.concat(hashes.slice(at, at + 256)));
    }
  }
  return tiles;
}

function appendInBatches(ends: readonly number[]): Map<string, Uint8Array> {
  const stored = new Map<string, Uint8Array>();
  let size = 0;
  let edge: readonly Uint8Array[] = [];
  for (const end of ends) {
    const before = new Map(stored);
    const result = tilesForAppend({ treeSize: BigInt(size), edge, leafHashes: leaves.slice(size, end) });
    expect(result.treeSize).toBe(BigInt(end));
    expect(result.rootHash).toEqual(tree.root(BigInt(end)));
    expect(new Set(result.tiles.map(name)).size).toBe(result.tiles.length);
    for (const tile of result.tiles) {
      expect(tile.hashes.length).toBe(32 * tile.width);
      expect(before.get(name(tile))?.length ?? 0).toBeLessThan(tile.hashes.length);
      stored.set(name(tile), tile.hashes);
    }
    expect(result.edge).toEqual(edgeTiles(BigInt(end)).map((tile) => stored.get(name(tile))));
    ({ edge } = result);
    size = end;
  }
  return stored;
}

function expectTiles(stored: Map<string, Uint8Array>, size: number): void {
  const expected = tilesOf(size);
  expect([...stored.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [key, hashes] of expected) expect(Buffer.compare(stored.get(key)!, hashes)).toBe(0);
}

describe('tilesForAppend', () => {
  it('yields every tile, batch by batch, whatever the batches', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 12 }), (batches) => {
        let end = 0;
        const ends = batches.map((batch) => (end += batch));
        expectTiles(appendInBatches(ends), end);
      }),
      { seed: 8, numRuns: 30 },
    );
  });

  it.each([[[1, 255, 256, 257, 511, 512]], [[65_535, 65_536, 65_537]], [[65_280, 65_793, 66_400]]])(
    'is right around full tiles: %j',
    (ends) => {
      expectTiles(appendInBatches(ends), ends.at(-1)!);
    },
  );

  it('yields nothing for an empty batch, and the same again for a repeated one', () => {
    const first = tilesForAppend({ treeSize: 0n, edge: [], leafHashes: leaves.slice(0, 300) });
    const none = tilesForAppend({ treeSize: 300n, edge: first.edge, leafHashes: [] });
    expect(none).toEqual({ treeSize: 300n, rootHash: first.rootHash, tiles: [], edge: first.edge });
    expect(tilesForAppend({ treeSize: 0n, edge: [], leafHashes: leaves.slice(0, 300) })).toEqual(first);
  });

  it.each([
    ['an edge for another size', 300n, []],
    ['an edge tile of another width', 1n, [new Uint8Array(64)]],
  ])('refuses %s', (_, treeSize, edge) => {
    expect(() => tilesForAppend({ treeSize, edge, leafHashes: [] })).toThrow(
      expect.objectContaining({ code: 'TLOG_TILE_MALFORMED' }),
    );
  });

  it('refuses a leaf hash of another length', () => {
    expect(() => tilesForAppend({ treeSize: 0n, edge: [], leafHashes: [new Uint8Array(33)] })).toThrow(
      expect.objectContaining({ code: 'TLOG_HASHES_MALFORMED' }),
    );
  });
});

describe('TileBuilder', () => {
  it('hands out full tiles as they fill and keeps only the edge', () => {
    const builder = new TileBuilder(0n, []);
    const full: Tile[] = [];
    for (const leaf of leaves) {
      builder.append(leaf);
      full.push(...builder.takeFullTiles());
    }
    const stored = new Map(
      [...full, ...builder.changedPartialTiles()].map((tile) => [name(tile), tile.hashes]),
    );
    expectTiles(stored, SIZE);
    expect(builder.compactRange().root()).toEqual(tree.root());
    expect(builder.takeFullTiles()).toEqual([]);
  });

  it('takes hashes back to back as it takes them one by one', () => {
    const all = new TileBuilder(0n, []);
    const single = new TileBuilder(0n, []);
    const ends = [0, 1, 200, 256, 511, 1100, 1024 + 65_536 - 900, SIZE].sort((a, b) => a - b);
    for (const [position, end] of ends.entries()) {
      const added = leaves.slice(ends[position - 1] ?? 0, end);
      all.appendAll(Buffer.concat(added));
      for (const leaf of added) single.append(leaf);
      expect(all.treeSize).toBe(BigInt(end));
      expect(spelled(all.takeFullTiles())).toEqual(spelled(single.takeFullTiles()));
      expect(spelled(all.changedPartialTiles())).toEqual(spelled(single.changedPartialTiles()));
      expect(all.compactRange().root()).toEqual(tree.root(BigInt(end)));
    }
    expect(() => all.appendAll(new Uint8Array(33))).toThrow(
      expect.objectContaining({ code: 'TLOG_HASHES_MALFORMED' }),
    );
  });
});
