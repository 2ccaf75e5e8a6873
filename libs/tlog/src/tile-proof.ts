/**
 * Roots and proofs from stored tiles: the hashes needed are worked out first, then their tiles are read in one
 * call, so a proof costs one round trip whatever the tree's size. Per tile level that is the tile above the leaf
 * and, where the proof reaches the ragged right edge, the edge tile; a caller that holds the tree's
 * {@link TreeEdge} passes it and saves the edge tiles, leaving at most one per level. Proven by
 * tile-proof.spec.ts, which compares with {@link MemoryTree} and counts the tiles.
 */
import { invariant } from '@app/errors';
import type { CompactRange } from './compact-range.js';
import { TlogError } from './errors.js';
import { EMPTY_ROOT, HASH_BYTES } from './hash.js';
import { consistencySpans, foldSubtreeRoots, inclusionSpans, perfectSubtrees } from './subtrees.js';
import type { Span, Subtree } from './subtrees.js';
import { perfectRoot } from './perfect-root.js';
import { TILE_HEIGHT, TILE_WIDTH, tileAt } from './tile.js';
import type { TileCoordinates } from './tile.js';

/** Where tiles come from: a table, HTTP, memory. */
export interface TileReader {
  /**
   * The tiles' bytes in the order asked for. A tile may be wider than asked (a partial tile that has grown since,
   * as C2SP lets a log delete the old one): its first 32 × width bytes are used.
   */
  readTiles(tiles: readonly TileCoordinates[]): Promise<readonly Uint8Array[]>;
}

/** Roots of a tree's perfect subtrees, by height and index: {@link treeEdge}. */
export interface TreeEdge {
  readonly treeSize: bigint;
  readonly roots: ReadonlyMap<string, Uint8Array>;
}

/** The right edge of a tree as proofs from its tiles take it. */
export function treeEdge({ treeSize, hashes }: CompactRange): TreeEdge {
  const subtrees = perfectSubtrees(0n, treeSize);
  return { treeSize, roots: new Map(subtrees.map((subtree, i) => [subtreeKey(subtree), hashes[i]!])) };
}

/** The run of adjacent hashes in one tile that a subtree is the root of: heights 8L to 8L + 7 lie in level L. */
interface Place {
  readonly tile: string;
  /** First hash of the subtree within the tile, and their number (a power of two). */
  readonly first: number;
  readonly count: number;
}

const tileKey = (level: number, index: bigint) => `${level}/${index}`;
const subtreeKey = ({ height, index }: Subtree) => `${height}/${index}`;

/** Roots of the spans in the tree of `treeSize`, reading every tile needed once, all in one call. */
async function readSpanRoots(
  reader: TileReader,
  spans: readonly Span[],
  treeSize: bigint,
  edge: TreeEdge | undefined,
): Promise<Uint8Array[]> {
  if (edge && edge.treeSize !== treeSize) {
    throw new TlogError('TLOG_OUT_OF_RANGE', 'the given right edge is of another tree size');
  }
  const wanted = new Map<string, TileCoordinates>();
  const placeOf = ({ height, index }: Subtree): Place => {
    const level = Math.floor(height / TILE_HEIGHT);
    const count = 1 << (height % TILE_HEIGHT);
    const start = index * BigInt(count);
    const tileIndex = start / BigInt(TILE_WIDTH);
    const tile = tileKey(level, tileIndex);
    if (!wanted.has(tile)) wanted.set(tile, tileAt(level, tileIndex, treeSize));
    return { tile, first: Number(start % BigInt(TILE_WIDTH)), count };
  };
  const sources = spans.map((span) =>
    span.map((subtree) => edge?.roots.get(subtreeKey(subtree)) ?? placeOf(subtree)),
  );
  const tiles = await readWanted(reader, wanted);
  const rootOf = (source: Uint8Array | Place): Uint8Array => {
    if (source instanceof Uint8Array) return source;
    const { tile, first, count } = source;
    return perfectRoot(tiles.get(tile)!.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES));
  };
  return sources.map((span) => foldSubtreeRoots(span.map(rootOf)));
}

async function readWanted(
  reader: TileReader,
  wanted: ReadonlyMap<string, TileCoordinates>,
): Promise<Map<string, Uint8Array>> {
  if (wanted.size === 0) return new Map();
  const coordinates = [...wanted.values()];
  const tiles = await reader.readTiles(coordinates);
  if (tiles.length !== coordinates.length) {
    throw new TlogError('TLOG_TILE_MALFORMED', 'the reader returned another number of tiles than asked for');
  }
  for (const [i, { width }] of coordinates.entries()) requireTileBytes(tiles[i]!, width);
  return new Map([...wanted.keys()].map((key, i) => [key, tiles[i]!]));
}

/** @throws TLOG_TILE_MALFORMED unless `hashes` is a tile at least `width` wide. */
function requireTileBytes(hashes: Uint8Array, width: number): void {
  const { length } = hashes;
  if (length % HASH_BYTES !== 0 || length < width * HASH_BYTES || length > TILE_WIDTH * HASH_BYTES) {
    throw new TlogError('TLOG_TILE_MALFORMED', 'the tile has not the bytes its width asks for', {
      details: { width, tileBytes: length },
    });
  }
}

/** Root hash of the tree of `treeSize`, from its right-edge tiles. @throws TLOG_OUT_OF_RANGE, TLOG_TILE_MALFORMED */
export async function rootFromTiles(reader: TileReader, treeSize: bigint): Promise<Uint8Array> {
  if (treeSize === 0n) return EMPTY_ROOT;
  const [root] = await readSpanRoots(reader, [perfectSubtrees(0n, treeSize)], treeSize, undefined);
  invariant(root, 'one span, one root');
  return root;
}

/**
 * Inclusion proof of a leaf in the tree of `treeSize`, leaf side first. The tiles are believed: check the proof
 * against a signed root before relying on it.
 * @param edge the right edge of that very tree, where the caller has it; saves reading the edge tiles.
 * @throws TLOG_OUT_OF_RANGE, TLOG_TILE_MALFORMED
 */
export async function proveInclusionFromTiles(
  reader: TileReader,
  leafIndex: bigint,
  treeSize: bigint,
  edge?: TreeEdge,
): Promise<Uint8Array[]> {
  return readSpanRoots(reader, inclusionSpans(leafIndex, treeSize), treeSize, edge);
}

/**
 * Consistency proof from `fromSize` to `toSize`; empty where `fromSize` is 0 or equal to `toSize`.
 * @param edge the right edge of the tree of `toSize`, where the caller has it.
 * @throws TLOG_OUT_OF_RANGE, TLOG_TILE_MALFORMED
 */
export async function proveConsistencyFromTiles(
  reader: TileReader,
  fromSize: bigint,
  toSize: bigint,
  edge?: TreeEdge,
): Promise<Uint8Array[]> {
  return readSpanRoots(reader, consistencySpans(fromSize, toSize), toSize, edge);
}
