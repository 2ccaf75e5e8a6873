/**
 * Roots and proofs from stored tiles: the hashes needed are worked out first, then their tiles are read in one
 * call, so a proof costs one round trip whatever the tree's size. Per tile level that is the tile above the leaf
 * and, where the proof reaches the ragged right edge, the edge tile; a caller that holds the tree's
 * {@link CompactRange} passes it and saves the edge tiles, leaving at most one per level. Proven by
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

interface Place {
  readonly level: number;
  readonly index: bigint;
  /** First hash of the subtree within the tile, and their number (a power of two). */
  readonly first: number;
  readonly count: number;
}

/** The run of adjacent hashes in one tile that a subtree is the root of: heights 8L to 8L + 7 lie in level L. */
function placeOf({ height, index }: Subtree): Place {
  const level = Math.floor(height / TILE_HEIGHT);
  const count = 1 << (height % TILE_HEIGHT);
  const start = index * BigInt(count);
  return {
    level,
    index: start / BigInt(TILE_WIDTH),
    first: Number(start % BigInt(TILE_WIDTH)),
    count,
  };
}

const tileKey = ({ level, index }: { level: number; index: bigint }) => `${level}/${index}`;
const subtreeKey = ({ height, index }: Subtree) => `${height}/${index}`;

/** Roots of the spans in the tree of `treeSize`, reading every tile needed once, all in one call. */
async function readSpanRoots(
  reader: TileReader,
  spans: readonly Span[],
  treeSize: bigint,
  edge: CompactRange | undefined,
): Promise<Uint8Array[]> {
  const known = edgeHashes(edge, treeSize);
  const wanted = new Map<string, TileCoordinates>();
  for (const subtree of spans.flat()) {
    if (known.has(subtreeKey(subtree))) continue;
    const { level, index } = placeOf(subtree);
    const key = tileKey({ level, index });
    if (!wanted.has(key)) wanted.set(key, tileAt(level, index, treeSize));
  }
  const tiles = await readWanted(reader, wanted);
  const rootOfSubtree = (subtree: Subtree): Uint8Array => {
    const hash = known.get(subtreeKey(subtree));
    if (hash) return hash;
    const { first, count, ...place } = placeOf(subtree);
    const hashes = tiles.get(tileKey(place));
    invariant(hashes, 'every place was asked for');
    return perfectRoot(hashes.subarray(first * HASH_BYTES, (first + count) * HASH_BYTES));
  };
  return spans.map((span) => foldSubtreeRoots(span.map(rootOfSubtree)));
}

function edgeHashes(edge: CompactRange | undefined, treeSize: bigint): Map<string, Uint8Array> {
  if (!edge) return new Map();
  if (edge.treeSize !== treeSize) {
    throw new TlogError('TLOG_OUT_OF_RANGE', 'the given right edge is of another tree size');
  }
  const { hashes } = edge;
  return new Map(perfectSubtrees(0n, treeSize).map((subtree, i) => [subtreeKey(subtree), hashes[i]!]));
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
  edge?: CompactRange,
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
  edge?: CompactRange,
): Promise<Uint8Array[]> {
  return readSpanRoots(reader, consistencySpans(fromSize, toSize), toSize, edge);
}
