/**
 * Re-derives one log from its entries: every leaf hash, every opening, every stored tile, every checkpoint. The chunks are
 * audited in whatever order and thread; here their parts of the tree are put together, and each checkpoint's root is
 * held against it. From a kept checkpoint on, the stored tiles must first lead to its root; what they cover is not derived
 * again.
 */
import type { Queryable } from '@app/persistence';
import {
  CompactRange,
  edgeTiles,
  EMPTY_ROOT,
  type NoteVerifier,
  openCheckpoint,
  TILE_WIDTH,
  TileBuilder,
  TlogError,
} from '@app/tlog';
import { LedgerError } from '../errors.js';
import type { LedgerRepository, LogRow } from '../ledger.repository.js';
import { narrowedEdge } from '../narrowed-edge.js';
import { auditCosignatures } from './cosignature-audit.js';
import { CHUNK_LEAVES, type ChunkAnswer, type ChunkAuditor, type ChunkOrder } from './chunk.js';
import type { AuditFinding, AuditProgress, LogAccount } from './finding.js';
import { compareTile, countNewer, countStoredNewer, readStoredTiles, tileKey } from './stored-tiles.js';

/** The levels that chunks build themselves; the ones above are built of the chunks' roots. */
const CHUNK_LEVELS = 2;

export interface LogAuditOptions {
  readonly on: Queryable;
  readonly repository: LedgerRepository;
  readonly verifier: NoteVerifier;
  readonly auditChunk: ChunkAuditor;
  /** Chunks under way at once. */
  readonly chunksAtOnce: number;
  /** A checkpoint that an earlier audit accepted: what it covers is not read again. */
  readonly kept?: string;
  readonly onProgress: (progress: AuditProgress) => void;
}

interface StoredCheckpoint {
  readonly tree_size: bigint;
  readonly root_hash: Uint8Array;
  readonly note: string;
}

export class LogAudit {
  readonly findings: AuditFinding[] = [];
  private from = 0n;
  private startRoot: Uint8Array = EMPTY_ROOT;
  private upper = new TileBuilder(0n, []);
  private leafEdge: Uint8Array[] = [];
  private tiles = 0;
  private entries = 0n;

  constructor(
    private readonly log: LogRow,
    private readonly options: LogAuditOptions,
  ) {}

  async run(): Promise<LogAccount> {
    const { on, repository, kept = null } = this.options;
    const head = await repository.nextIndex(this.log.logId, on);
    const end = await this.entriesEnd();
    await this.startFromKept(end);
    const checkpoints = await this.checkpoints();
    const last = checkpoints.at(-1);
    const integrated = last?.tree_size ?? this.from;
    await this.auditChunks(end, integrated, checkpoints);
    if (end !== head) this.report(head.toString(), 'log_head.next_index', `the log has ${end} entries`);
    for (const { tree_size: size } of checkpoints)
      if (size > end) this.report(size.toString(), 'checkpoint.tree_size', `the log has only ${end} entries`);
    await this.compareUpperTiles(integrated);
    await this.countTiles(integrated);
    for (const checkpoint of checkpoints) this.checkNote(checkpoint);
    this.findings.push(...(await auditCosignatures(on, this.log, this.from)));
    return {
      log: this.log.origin,
      from: this.from,
      entries: this.entries,
      checkpoints: checkpoints.length,
      tiles: this.tiles,
      checkpoint: last?.note ?? kept,
    };
  }

  private report(index: string | null, field: string, problem: string): void {
    this.findings.push({ log: this.log.origin, index, field, problem });
  }

  /** One past the last entry. */
  private async entriesEnd(): Promise<bigint> {
    const last = await this.options.on
      .selectFrom('entry')
      .select('leaf_index')
      .where('log_id', '=', this.log.logId)
      .orderBy('leaf_index', 'desc')
      .limit(1)
      .executeTakeFirst();
    return last ? last.leaf_index + 1n : 0n;
  }

  /** Those that the kept one does not cover, and its own. */
  private async checkpoints(): Promise<StoredCheckpoint[]> {
    return this.options.on
      .selectFrom('checkpoint')
      .select(['tree_size', 'root_hash', 'note'])
      .where('log_id', '=', this.log.logId)
      .where('tree_size', '>=', this.from)
      .orderBy('tree_size')
      .execute();
  }

  /** @throws TlogError for a kept checkpoint of another log or by another key */
  private async startFromKept(end: bigint): Promise<void> {
    const { kept, verifier } = this.options;
    if (kept === undefined) return;
    const { treeSize, rootHash } = openCheckpoint(kept, verifier, this.log.origin);
    const index = treeSize.toString();
    if (treeSize > end)
      return this.report(index, 'log_head.next_index', `the log has ${end} entries, fewer than once signed`);
    const edge = await this.storedEdge(treeSize);
    const builder = edge && new TileBuilder(treeSize, edge);
    if (!builder || Buffer.compare(builder.compactRange().root(), rootHash) !== 0)
      return this.report(
        index,
        'tile.hashes',
        'the tiles do not lead to the kept checkpoint: history was changed',
      );
    const isOfLeaves = edgeTiles(treeSize).map(({ level }) => level < CHUNK_LEVELS);
    this.from = treeSize;
    this.startRoot = rootHash;
    this.leafEdge = edge.filter((_tile, position) => isOfLeaves[position]);
    this.upper = new TileBuilder(
      treeSize / CHUNK_LEAVES,
      edge.filter((_tile, position) => !isOfLeaves[position]),
    );
  }

  private async storedEdge(treeSize: bigint): Promise<Uint8Array[] | null> {
    const { repository, on } = this.options;
    try {
      return narrowedEdge(await repository.readTiles(on, this.log.logId, edgeTiles(treeSize)), treeSize);
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'LEDGER_NOT_INTEGRATED') return null;
      throw error;
    }
  }

  private async auditChunks(
    end: bigint,
    integrated: bigint,
    checkpoints: readonly StoredCheckpoint[],
  ): Promise<void> {
    const { auditChunk, chunksAtOnce, onProgress } = this.options;
    this.checkRoot(
      checkpoints.find(({ tree_size: size }) => size === this.from),
      this.startRoot,
    );
    const pending: { order: ChunkOrder; answer: Promise<ChunkAnswer> }[] = [];
    const mergeNext = async (): Promise<void> => {
      const { order, answer } = pending.shift()!;
      this.merge(order, await answer, checkpoints);
      onProgress({ log: this.log.origin, done: order.to, of: end });
    };
    for (const order of this.orders(end, integrated, checkpoints)) {
      const answer = auditChunk(order);
      // Awaited in order, below; a failure before its turn must not count as unhandled.
      answer.catch(() => undefined);
      pending.push({ order, answer });
      if (pending.length >= chunksAtOnce) await mergeNext();
    }
    while (pending.length > 0) await mergeNext();
  }

  private *orders(
    end: bigint,
    integrated: bigint,
    checkpoints: readonly StoredCheckpoint[],
  ): Generator<ChunkOrder> {
    const sizes = checkpoints.map(({ tree_size: size }) => size);
    for (let from = this.from; from < end;) {
      const chunkEnd = (from / CHUNK_LEAVES + 1n) * CHUNK_LEAVES;
      const to = chunkEnd < end ? chunkEnd : end;
      yield {
        log: this.log,
        from,
        to,
        edge: from === this.from ? this.leafEdge : [],
        integrated,
        checkpointSizes: sizes.filter((size) => size > from && size <= to && size < chunkEnd),
      };
      from = to;
    }
  }

  private merge(order: ChunkOrder, answer: ChunkAnswer, checkpoints: readonly StoredCheckpoint[]): void {
    this.findings.push(...answer.findings);
    this.entries += BigInt(answer.entries);
    this.tiles += answer.tiles;
    const left = this.upper.compactRange().hashes;
    const bySize = new Map(checkpoints.map((checkpoint) => [checkpoint.tree_size, checkpoint]));
    for (const [position, size] of order.checkpointSizes.entries()) {
      const range = CompactRange.fromHashes(size, [...left, ...answer.edges[position]!]);
      this.checkRoot(bySize.get(size), range.root());
    }
    if (!answer.root) return;
    this.upper.append(answer.root);
    this.checkRoot(bySize.get(order.to), this.upper.compactRange().root());
  }

  private async compareUpperTiles(integrated: bigint): Promise<void> {
    for (const own of [...this.upper.takeFullTiles(), ...this.upper.changedPartialTiles()]) {
      const tile = { ...own, level: own.level + CHUNK_LEVELS };
      const { on } = this.options;
      const stored = await readStoredTiles(on, this.log.logId, tile.level, tile.index, tile.index);
      const rows = stored.get(tileKey(tile)) ?? [];
      const isFull = tile.width === TILE_WIDTH;
      const covered = (tile.index + 1n) * BigInt(TILE_WIDTH) ** BigInt(tile.level + 1);
      this.tiles += countNewer(rows, this.from);
      this.findings.push(...compareTile(this.log.origin, tile, rows, isFull && covered <= integrated));
    }
  }

  private async countTiles(integrated: bigint): Promise<void> {
    const total = await countStoredNewer(this.options.on, this.log.logId, this.from);
    const problem = `${total - this.tiles} stored tiles belong to no part of the tree`;
    if (total !== this.tiles) this.report(integrated.toString(), 'tile.tile_index', problem);
  }

  private checkRoot(checkpoint: StoredCheckpoint | undefined, root: Uint8Array): void {
    if (checkpoint && Buffer.compare(root, checkpoint.root_hash) !== 0)
      this.report(checkpoint.tree_size.toString(), 'checkpoint.root_hash', 'is not the root of the entries');
  }

  private checkNote(checkpoint: StoredCheckpoint): void {
    const index = checkpoint.tree_size.toString();
    try {
      const opened = openCheckpoint(checkpoint.note, this.options.verifier, this.log.origin);
      if (opened.treeSize !== checkpoint.tree_size)
        this.report(index, 'checkpoint.tree_size', `the signed note says ${opened.treeSize}`);
      if (Buffer.compare(opened.rootHash, checkpoint.root_hash) !== 0)
        this.report(index, 'checkpoint.note', 'is signed for another root hash than the row holds');
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      this.report(index, 'checkpoint.note', error.message);
    }
  }
}
