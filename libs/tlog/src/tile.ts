/**
 * Coordinates and paths of C2SP tlog-tiles (v0.1.0). A tile holds up to 256 consecutive hashes of one tree
 * level: tile (level L, index N) covers the roots of the perfect subtrees of height 8L number 256N to 256N + 255.
 * A partial tile is the start of a full one, never hashed into the level above. Proven by tile.spec.ts.
 */
import { parseDecimal } from './decimal.js';
import { TlogError } from './errors.js';
import { requireTreeSize } from './subtrees.js';

/** Tree levels per tile. Fixed by C2SP: another height gives paths no client of the format asks for. */
export const TILE_HEIGHT = 8;
/** Hashes in a full tile. */
export const TILE_WIDTH = 2 ** TILE_HEIGHT;
/** Highest level a path may name; a tree of 2^63 leaves needs levels 0 to 7. */
const MAX_TILE_LEVEL = 63;

export interface TileCoordinates {
  /** 0 holds leaf hashes; each hash of level L stands for 256^L leaves. */
  readonly level: number;
  /** Place of the tile in its level, from the left, from 0. */
  readonly index: bigint;
  /** Hashes in it, 1 to 256; 256 is a full tile. */
  readonly width: number;
}

export interface EntryBundleCoordinates {
  readonly index: bigint;
  readonly width: number;
}

/** A tile with its content: `hashes` has 32 × width bytes. */
export interface Tile extends TileCoordinates {
  readonly hashes: Uint8Array;
}

const TREE_PATH = /^tile\/(0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;
const ENTRIES_PATH = /^tile\/entries\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

function formatIndex(index: bigint): string {
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
}

function formatPlace(index: bigint, width: number): string {
  requireTreeSize(index);
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new TlogError('TLOG_OUT_OF_RANGE', 'a tile is 1 to 256 wide');
  }
  return formatIndex(index) + (width === TILE_WIDTH ? '' : `.p/${width}`);
}

/** `tile/<L>/<N>[.p/<W>]`, without a leading slash. @throws TLOG_OUT_OF_RANGE */
export function formatTilePath({ level, index, width }: TileCoordinates): string {
  if (!Number.isInteger(level) || level < 0 || level > MAX_TILE_LEVEL) {
    throw new TlogError('TLOG_OUT_OF_RANGE', 'a tile level lies between 0 and 63');
  }
  return `tile/${level}/${formatPlace(index, width)}`;
}

/** `tile/entries/<N>[.p/<W>]`, without a leading slash. @throws TLOG_OUT_OF_RANGE */
export function formatEntryBundlePath({ index, width }: EntryBundleCoordinates): string {
  return `tile/entries/${formatPlace(index, width)}`;
}

function parsePlace(path: string, indexText: string | undefined, widthText: string | undefined) {
  // A first group of x000 would be a second spelling of the same index.
  const digits = (indexText ?? '').replace(/[x/]/g, '');
  const index = parseDecimal(digits.replace(/^0+(?=[0-9])/, ''));
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
  const partialIsFull = widthText !== undefined && width >= TILE_WIDTH;
  if (index === undefined || partialIsFull || formatIndex(index) !== indexText) throw malformedPath(path);
  return { index, width };
}

function malformedPath(path: string): TlogError {
  return new TlogError('TLOG_TILE_PATH_MALFORMED', 'the path names no tile', {
    details: { pathLength: path.length },
  });
}

/** Reads `tile/<L>/<N>[.p/<W>]`; each tile has exactly one path. @throws TLOG_TILE_PATH_MALFORMED */
export function parseTilePath(path: string): TileCoordinates {
  const match = TREE_PATH.exec(path);
  if (!match || Number(match[1]) > MAX_TILE_LEVEL) throw malformedPath(path);
  return { level: Number(match[1]), ...parsePlace(path, match[2], match[3]) };
}

/** Reads `tile/entries/<N>[.p/<W>]`. @throws TLOG_TILE_PATH_MALFORMED */
export function parseEntryBundlePath(path: string): EntryBundleCoordinates {
  const match = ENTRIES_PATH.exec(path);
  if (!match) throw malformedPath(path);
  return parsePlace(path, match[1], match[2]);
}

/** Hashes that level `level` has in a tree of `treeSize` leaves: floor(treeSize / 256^level). */
export function levelWidth(level: number, treeSize: bigint): bigint {
  return treeSize >> BigInt(level * TILE_HEIGHT);
}

/** The tile at that place as it is in the tree of `treeSize`. @throws TLOG_OUT_OF_RANGE where it has no hash there */
export function tileAt(level: number, index: bigint, treeSize: bigint): TileCoordinates {
  const rest = levelWidth(level, treeSize) - index * BigInt(TILE_WIDTH);
  if (index < 0n || rest <= 0n) throw new TlogError('TLOG_OUT_OF_RANGE', 'the tree has no such tile');
  return { level, index, width: rest < TILE_WIDTH ? Number(rest) : TILE_WIDTH };
}

/** The partial tiles at the right edge of the tree of `treeSize`, lowest level first; at most one per level. */
export function edgeTiles(treeSize: bigint): TileCoordinates[] {
  requireTreeSize(treeSize);
  const tiles: TileCoordinates[] = [];
  for (let level = 0; levelWidth(level, treeSize) > 0n; level++) {
    const hashes = levelWidth(level, treeSize);
    const width = Number(hashes % BigInt(TILE_WIDTH));
    if (width > 0) tiles.push({ level, index: hashes / BigInt(TILE_WIDTH), width });
  }
  return tiles;
}
