/**
 * Audits one chunk in blocks: the quick look first, the precise one where that saw anything. The tree over the chunk is
 * built from what the entries say, and the stored tiles of levels 0 and 1 are held against it. Memory does not grow.
 */
import { CopiedRows, type Queryable } from '@app/persistence';
import { HASH_BYTES, type Tile, TILE_WIDTH, TileBuilder } from '@app/tlog';
import { COMMITMENT_TYPE } from '../sealed-leaves.js';
import { BlockCheck, requestIdsOf } from './block-check.js';
import { BlockRows } from './block-rows.js';
import { CHUNK_LEAVES, type ChunkAnswer, type ChunkAuditor, type ChunkOrder } from './chunk.js';
import { erasedLeaves } from './erasure-audit.js';
import type { AuditFinding } from './finding.js';
import { differingColumns, type MirroredColumn } from './opening-audit.js';
import { requestsOf } from './opening-claims.js';
import { auditPrecisely } from './precise-audit.js';
import { compareTile, countNewer, readStoredTiles, type StoredTiles, tileKey } from './stored-tiles.js';

/** 16 tiles: few round trips, about 3 MB in memory. */
const BLOCK_LEAVES = 16n * BigInt(TILE_WIDTH);
const WIDTH = BigInt(TILE_WIDTH);

/** Audits chunks over `on`, one at a time: each in the memory of the one before. */
export function chunkAuditor(on: Queryable): ChunkAuditor {
  const memory = new ChunkMemory();
  return (order) => new ChunkAudit(on, order, memory).run();
}

/** What would be allocated anew for each chunk, and be garbage after it. */
class ChunkMemory {
  readonly rows = new BlockRows();
  readonly tileRows = new CopiedRows();
  /** Requests of the block under way and the one before, in the log under way. */
  requests: ReadonlyMap<string, readonly MirroredColumn[]> = new Map();
  readonly check = new BlockCheck(COMMITMENT_TYPE, (requestId, content) => this.isSaid(requestId, content));

  private isSaid(requestId: string, content: Readonly<Record<string, unknown>>): boolean {
    const columns = this.requests.get(requestId);
    return columns !== undefined && differingColumns(content, columns).length === 0;
  }
}

class ChunkAudit {
  private readonly findings: AuditFinding[] = [];
  private readonly builder: TileBuilder;
  private readonly edges: (readonly Uint8Array[])[] = [];
  private readonly chunk: bigint;
  private entries = 0;
  private tiles = 0;
  /** The tile of level 1, once it is full. */
  private upper: Tile | null = null;

  constructor(
    private readonly on: Queryable,
    private readonly order: ChunkOrder,
    private readonly memory: ChunkMemory,
  ) {
    // What is known of a request is known of its commitments in one log.
    memory.requests = new Map();
    this.chunk = order.from / CHUNK_LEAVES;
    this.builder = new TileBuilder(order.from % CHUNK_LEAVES, order.edge);
  }

  async run(): Promise<ChunkAnswer> {
    const { from, to } = this.order;
    for (let first = from; first < to;) {
      const blockEnd = (first / BLOCK_LEAVES + 1n) * BLOCK_LEAVES;
      const end = blockEnd < to ? blockEnd : to;
      await this.auditBlock(first, end);
      first = end;
    }
    await this.compareUpperTile();
    const isFull = to % CHUNK_LEAVES === 0n;
    return {
      findings: this.findings,
      entries: this.entries,
      tiles: this.tiles,
      edges: this.edges,
      root: isFull ? this.builder.compactRange().root() : null,
    };
  }

  private async auditBlock(first: bigint, end: bigint): Promise<void> {
    const { log, integrated } = this.order;
    const tiles = await readStoredTiles(
      this.on,
      log.logId,
      0,
      first / WIDTH,
      (end - 1n) / WIDTH,
      this.memory.tileRows,
    );
    const quick = log.kind === 'commitments' ? await this.quickHashes(first, end) : null;
    const clean =
      quick && agreesWithTiles(quick, first, end < integrated ? end : integrated, tiles) ? quick : null;
    const precise = clean ? null : await auditPrecisely(this.on, { log, first, end, integrated, tiles });
    if (precise) this.findings.push(...precise.findings);
    this.entries += precise?.entries ?? Number(end - first);
    this.grow(first, end, clean ?? precise!.leafHashes);
    this.compareLeafTiles(end, tiles);
  }

  /** Leaf hashes of a block in which nothing is wrong; null otherwise. */
  private async quickHashes(first: bigint, end: bigint): Promise<Uint8Array | null> {
    const { log } = this.order;
    const { rows, check } = this.memory;
    await rows.read(this.on, { logId: log.logId, first, end });
    const { entries, commitments, openings } = rows;
    const isOpen = openings.count === commitments.count;
    const erased = isOpen ? new Set<bigint>() : await erasedLeaves(this.on, log.logId, first, end);
    await this.learnRequests(requestIdsOf(commitments));
    const count = Number(end - first);
    return check.leafHashes({ first, count, entries, commitments, openings, erased });
  }

  /** Reads the requests of a block, but for those of the block before it. */
  private async learnRequests(ids: ReadonlySet<string>): Promise<void> {
    const { memory } = this;
    const unknown = [...ids].filter((id) => !memory.requests.has(id));
    const kept = [...memory.requests].filter(([id]) => ids.has(id));
    const read = unknown.length > 0 ? await requestsOf(this.on, this.order.log, unknown) : [];
    memory.requests = new Map([...kept, ...read]);
  }

  /** Appends, and stops at each checkpoint size for the edge that its root is made of. */
  private grow(first: bigint, end: bigint, leafHashes: Uint8Array): void {
    const slice = (from: bigint, to: bigint) =>
      leafHashes.subarray(Number(from - first) * HASH_BYTES, Number(to - first) * HASH_BYTES);
    let at = first;
    for (let size = this.nextSize(); size !== undefined && size <= end; size = this.nextSize()) {
      this.builder.appendAll(slice(at, size));
      this.edges.push(this.builder.compactRange().hashes);
      at = size;
    }
    this.builder.appendAll(slice(at, end));
  }

  private nextSize(): bigint | undefined {
    return this.order.checkpointSizes[this.edges.length];
  }

  private compareLeafTiles(end: bigint, stored: StoredTiles): void {
    const full = this.builder.takeFullTiles();
    this.upper = full.find(({ level }) => level === 1) ?? null;
    const partial = end === this.order.to ? this.builder.changedPartialTiles() : [];
    for (const tile of [...full, ...partial].filter(({ level }) => level === 0)) this.compare(tile, stored);
  }

  private async compareUpperTile(): Promise<void> {
    const stored = await readStoredTiles(this.on, this.order.log.logId, 1, this.chunk, this.chunk);
    const tile = this.upper ?? this.builder.changedPartialTiles().find(({ level }) => level === 1);
    if (tile) this.compare(tile, stored);
  }

  /** @param own as the chunk's own tree places it */
  private compare(own: Tile, stored: StoredTiles): void {
    const { log, from, integrated } = this.order;
    const tile = { ...own, index: own.level === 0 ? own.index + this.chunk * WIDTH : this.chunk };
    const rows = stored.get(tileKey(tile)) ?? [];
    const covered = (tile.index + 1n) * WIDTH ** BigInt(tile.level + 1);
    this.tiles += countNewer(rows, from);
    this.findings.push(...compareTile(log.origin, tile, rows, covered <= integrated));
  }
}

/** Whether every hash that must be in a tile is in one, and the widest stored tiles hold these hashes. */
function agreesWithTiles(
  hashes: Uint8Array,
  first: bigint,
  integratedEnd: bigint,
  tiles: StoredTiles,
): boolean {
  for (let at = first; at < integratedEnd; at = (at / WIDTH + 1n) * WIDTH) {
    const index = at / WIDTH;
    const widest = tiles.get(tileKey({ level: 0, index }))?.at(-1);
    const end = (index + 1n) * WIDTH < integratedEnd ? (index + 1n) * WIDTH : integratedEnd;
    const held = widest?.hashes.subarray(
      Number(at % WIDTH) * HASH_BYTES,
      Number(end - index * WIDTH) * HASH_BYTES,
    );
    const own = hashes.subarray(Number(at - first) * HASH_BYTES, Number(end - first) * HASH_BYTES);
    if (!held || Buffer.compare(held, own) !== 0) return false;
  }
  return true;
}
