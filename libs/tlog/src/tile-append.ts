/**
 * Integration: new leaf hashes in, changed tiles and the new root out. The only state is the right edge, one
 * partial tile per level, so a log of any size grows batch by batch in constant memory, and repeating a batch
 * from the same edge gives the same tiles. Proven by tile-append.spec.ts against {@link MemoryTree}.
 */
import { invariant } from '@app/errors';
import { CompactRange } from './compact-range.js';
import { TlogError } from './errors.js';
import { HASH_BYTES } from './hash.js';
import { perfectRoot } from './perfect-root.js';
import { perfectSubtrees, requireTreeSize } from './subtrees.js';
import { edgeTiles, levelWidth, TILE_HEIGHT, TILE_WIDTH } from './tile.js';
import type { Tile } from './tile.js';

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

export interface TileAppend {
  /** Tree size before. */
  readonly treeSize: bigint;
  /** Bytes of the partial tiles that {@link edgeTiles} names for that size, in its order. */
  readonly edge: readonly Uint8Array[];
  /** 32 bytes each, in leaf order. */
  readonly leafHashes: Iterable<Uint8Array>;
}

export interface AppendedTiles {
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
  /** Every tile that is new or wider than before, each once, in its new width; full ones first. */
  readonly tiles: readonly Tile[];
  /** The new right edge: the partial tiles of the new size, changed or not, as the next append takes them. */
  readonly edge: readonly Uint8Array[];
}

interface Level {
  /** Room for a full tile; the first `width` hashes are set. */
  buffer: Uint8Array;
  width: number;
  changed: boolean;
}

/** Appends leaf by leaf and hands out each tile as soon as it is full: for batches too large to hold at once. */
export class TileBuilder {
  private readonly levels: Level[] = [];
  private size: bigint;
  private full: Tile[] = [];

  /** @throws TLOG_OUT_OF_RANGE, TLOG_TILE_MALFORMED when the edge does not fit the size. */
  constructor(treeSize: bigint, edge: readonly Uint8Array[]) {
    requireTreeSize(treeSize);
    const coordinates = edgeTiles(treeSize);
    if (
      coordinates.length !== edge.length ||
      coordinates.some(({ width }, i) => edge[i]!.length !== width * HASH_BYTES)
    ) {
      throw new TlogError('TLOG_TILE_MALFORMED', 'the right-edge tiles do not fit the tree size');
    }
    this.size = treeSize;
    for (const [i, { level, width }] of coordinates.entries()) {
      const target = this.level(level);
      target.buffer.set(edge[i]!);
      target.width = width;
    }
  }

  get treeSize(): bigint {
    return this.size;
  }

  /** Adds one leaf hash. @throws TLOG_HASHES_MALFORMED unless it has 32 bytes */
  append(leafHash: Uint8Array): void {
    if (leafHash.length !== HASH_BYTES) {
      throw new TlogError('TLOG_HASHES_MALFORMED', 'a leaf hash must have 32 bytes');
    }
    this.size += 1n;
    this.push(0, leafHash);
  }

  /** Adds leaf hashes lying back to back. @throws TLOG_HASHES_MALFORMED unless each has 32 bytes */
  appendAll(leafHashes: Uint8Array): void {
    if (leafHashes.length % HASH_BYTES !== 0) {
      throw new TlogError('TLOG_HASHES_MALFORMED', 'a leaf hash must have 32 bytes');
    }
    for (let at = 0; at < leafHashes.length;) {
      const level = this.level(0);
      const taken = leafHashes.subarray(at, at + TILE_BYTES - level.width * HASH_BYTES);
      level.buffer.set(taken, level.width * HASH_BYTES);
      level.width += taken.length / HASH_BYTES;
      level.changed = true;
      this.size += BigInt(taken.length / HASH_BYTES);
      at += taken.length;
      this.closeIfFull(0);
    }
  }

  /** The tiles that became full since the last call, each once. */
  takeFullTiles(): Tile[] {
    const taken = this.full;
    this.full = [];
    return taken;
  }

  /** The partial tiles at the right edge that have grown since construction, lowest level first. */
  changedPartialTiles(): Tile[] {
    return this.partialTiles().filter(({ level }) => this.levels[level]!.changed);
  }

  /** Bytes of all partial tiles, in the order of {@link edgeTiles}. */
  edge(): Uint8Array[] {
    return this.partialTiles().map(({ hashes }) => hashes);
  }

  /** The same right edge as subtree roots, from which the root hash follows. */
  compactRange(): CompactRange {
    const hashes = perfectSubtrees(0n, this.size).map(({ height, index }) => {
      const count = 1 << (height % TILE_HEIGHT);
      const first = Number((index * BigInt(count)) % BigInt(TILE_WIDTH)) * HASH_BYTES;
      const { buffer } = this.level(Math.floor(height / TILE_HEIGHT));
      return perfectRoot(buffer.subarray(first, first + count * HASH_BYTES));
    });
    return CompactRange.fromHashes(this.size, hashes);
  }

  private partialTiles(): Tile[] {
    return edgeTiles(this.size).map((coordinates) => ({
      ...coordinates,
      hashes: this.levels[coordinates.level]!.buffer.slice(0, coordinates.width * HASH_BYTES),
    }));
  }

  private level(number: number): Level {
    while (this.levels.length <= number) {
      this.levels.push({ buffer: new Uint8Array(TILE_BYTES), width: 0, changed: false });
    }
    return this.levels[number]!;
  }

  private push(number: number, hash: Uint8Array): void {
    const level = this.level(number);
    level.buffer.set(hash, level.width * HASH_BYTES);
    level.width++;
    level.changed = true;
    this.closeIfFull(number);
  }

  private closeIfFull(number: number): void {
    const level = this.level(number);
    if (level.width < TILE_WIDTH) return;
    const index = levelWidth(number, this.size) / BigInt(TILE_WIDTH) - 1n;
    invariant(index >= 0n, 'a full tile lies within the tree');
    this.full.push({ level: number, index, width: TILE_WIDTH, hashes: level.buffer });
    const root = perfectRoot(level.buffer);
    level.buffer = new Uint8Array(TILE_BYTES);
    level.width = 0;
    this.push(number + 1, root);
  }
}

/**
 * All changed tiles and the new root of appending `leafHashes` to a tree known by its right edge.
 * @throws TLOG_TILE_MALFORMED, TLOG_HASHES_MALFORMED, TLOG_OUT_OF_RANGE
 */
export function tilesForAppend({ treeSize, edge, leafHashes }: TileAppend): AppendedTiles {
  const builder = new TileBuilder(treeSize, edge);
  for (const leafHash of leafHashes) builder.append(leafHash);
  return {
    treeSize: builder.treeSize,
    rootHash: builder.compactRange().root(),
    tiles: [...builder.takeFullTiles(), ...builder.changedPartialTiles()],
    edge: builder.edge(),
  };
}
