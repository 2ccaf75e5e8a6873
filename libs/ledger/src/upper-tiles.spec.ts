import {
  edgeTiles,
  hashLeaf,
  MemoryTree,
  proveInclusionFromTiles,
  type TileCoordinates,
  tilesForAppend,
} from '@app/tlog';
import { describe, expect, it } from 'vitest';
import { UpperTiles } from './upper-tiles.js';

const SIZE = 66_400;
const leaves = Array.from({ length: SIZE }, (_, i) => hashLeaf(Buffer.from(`upper ${i}`)));
const tree = new MemoryTree(leaves);

const name = ({ level, index }: TileCoordinates) => `${level}/${index}`;

/** Tiles of the first `size` leaves, and what was read of them. */
function storedTiles(size: number) {
  const { tiles } = tilesForAppend({ treeSize: 0n, edge: [], leafHashes: leaves.slice(0, size) });
  const stored = new Map(tiles.map((tile) => [name(tile), tile.hashes]));
  const calls: string[][] = [];
  const readTiles = (asked: readonly TileCoordinates[]) => {
    calls.push(asked.map(name));
    return Promise.resolve(asked.map((tile) => stored.get(name(tile))!));
  };
  return { calls, readTiles };
}

describe('UpperTiles', () => {
  it('reads a tile above the leaves once and gives the same proofs', async () => {
    const source = storedTiles(SIZE);
    const reader = new UpperTiles().over(1, source);
    for (const leafIndex of [300n, 300n, 40_000n, 0n, 66_399n]) {
      expect(await proveInclusionFromTiles(reader, leafIndex, BigInt(SIZE))).toEqual(
        tree.proveInclusion(leafIndex),
      );
    }
    const upper = source.calls.flat().filter((tile) => !tile.startsWith('0/'));
    expect(new Set(upper).size).toBe(upper.length);
    expect(source.calls[1]).toEqual(source.calls[0]!.filter((tile) => tile.startsWith('0/')));
  });

  it('asks nobody where all is kept', async () => {
    const source = storedTiles(SIZE);
    const reader = new UpperTiles().over(1, source);
    const upper = edgeTiles(BigInt(SIZE)).filter(({ level }) => level > 0);
    const first = await reader.readTiles(upper);
    expect(await reader.readTiles(upper)).toEqual(first);
    expect(source.calls.length).toBe(1);
  });

  it('tells logs and widths apart', async () => {
    const [small, large] = [storedTiles(700), storedTiles(SIZE)];
    const kept = new UpperTiles();
    const read = (logId: number, source: ReturnType<typeof storedTiles>, width: number) =>
      kept.over(logId, source).readTiles([{ level: 1, index: 0n, width }]);
    const [[narrow], [wide], [other]] = [
      await read(1, small, 2),
      await read(1, large, 256),
      await read(2, small, 2),
    ];
    expect([narrow, wide, other].map((hashes) => hashes!.length)).toEqual([64, 256 * 32, 64]);
    expect([small.calls.length, large.calls.length]).toEqual([2, 1]);
  });

  it('keeps no more than it may', async () => {
    const source = storedTiles(SIZE);
    const reader = new UpperTiles(1).over(1, source);
    const upper = edgeTiles(BigInt(SIZE)).filter(({ level }) => level > 0);
    expect(upper.length).toBe(2);
    for (const tile of [...upper, ...upper]) await reader.readTiles([tile]);
    expect(source.calls.length).toBe(4);
  });
});
