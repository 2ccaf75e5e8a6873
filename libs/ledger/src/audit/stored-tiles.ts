/** Stored tiles of one log as the audit compares them: by place, narrowest first. */
import { CopiedRows, copyRows, type Queryable } from '@app/persistence';
import { HASH_BYTES, type Tile, TILE_HEIGHT, TILE_WIDTH } from '@app/tlog';
import { sql } from 'kysely';
import type { AuditFinding } from './finding.js';

export type StoredTiles = ReadonlyMap<string, readonly Tile[]>;
type Place = Pick<Tile, 'level' | 'index'>;

export const tileKey = ({ level, index }: Place): string => `${level}/${index}`;

/**
 * All widths of the tiles `first` to `last` of a level.
 * @param rows holds their bytes, until something else is read into it
 */
export async function readStoredTiles(
  on: Queryable,
  logId: number,
  level: number,
  first: bigint,
  last: bigint,
  rows = new CopiedRows(),
): Promise<StoredTiles> {
  await copyRows(
    on,
    `select tile_index, width, hashes from tile where log_id = ${logId} and level = ${level}
      and tile_index between ${first} and ${last} order by tile_index, width`,
    rows,
  );
  const tiles = new Map<string, Tile[]>();
  for (const [index, width, hashes] of rows.values()) {
    const tile = { level, index: index!.readBigInt64BE(), width: width!.readInt16BE(), hashes: hashes! };
    const known = tiles.get(tileKey(tile));
    if (known) known.push(tile);
    else tiles.set(tileKey(tile), [tile]);
  }
  return tiles;
}

/** The leaf hash in the widest stored tile that covers it. */
export function leafHashInTiles(tiles: StoredTiles, leafIndex: bigint): Uint8Array | null {
  const width = BigInt(TILE_WIDTH);
  const tile = tiles.get(tileKey({ level: 0, index: leafIndex / width }))?.at(-1);
  const first = Number(leafIndex % width) * HASH_BYTES;
  return tile && tile.hashes.length >= first + HASH_BYTES
    ? tile.hashes.subarray(first, first + HASH_BYTES)
    : null;
}

/** Holds every stored width of `expected` against it. */
export function compareTile(
  log: string,
  expected: Tile,
  stored: readonly Tile[],
  mustExist: boolean,
): AuditFinding[] {
  const place = { log, index: tileKey(expected), field: 'tile.hashes' };
  const findings: AuditFinding[] = [];
  if (mustExist && !stored.some((tile) => tile.width === TILE_WIDTH))
    findings.push({ ...place, problem: 'the full tile is missing' });
  for (const tile of stored) {
    const wanted = expected.hashes.subarray(0, tile.hashes.length);
    if (tile.width <= expected.width && Buffer.compare(tile.hashes, wanted) === 0) continue;
    const first = tile.hashes.findIndex((byte, position) => byte !== wanted[position]);
    const problem = `width ${tile.width}: differs from the entries at hash ${Math.floor(first / HASH_BYTES)}`;
    findings.push({ ...place, problem });
  }
  return findings;
}

/** How many of the tiles hold a hash that a tree of `treeSize` does not have. */
export function countNewer(tiles: readonly Tile[], treeSize: bigint): number {
  return tiles.filter(
    ({ level, index, width }) =>
      index * BigInt(TILE_WIDTH) + BigInt(width) > treeSize >> BigInt(TILE_HEIGHT * level),
  ).length;
}

/** The same count over all stored tiles of a log, those of no tree included. */
export async function countStoredNewer(on: Queryable, logId: number, treeSize: bigint): Promise<number> {
  const { rows } = await sql<{ total: bigint }>`select count(*) as total from tile where log_id = ${logId}
    and tile_index * ${TILE_WIDTH}::bigint + width > (${treeSize.toString()}::bigint >> (${TILE_HEIGHT}::int * level))`.execute(
    on,
  );
  return Number(rows[0]!.total);
}
