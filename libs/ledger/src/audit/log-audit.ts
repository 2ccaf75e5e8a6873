/**
 * Re-derives one log from its entries: every leaf hash, every opening, every stored tile, every checkpoint. Reads in
 * batches, so memory does not grow with the log.
 */
import type { Database } from '@app/persistence';
import { type NoteVerifier, openCheckpoint, TILE_WIDTH, TileBuilder, type Tile, TlogError } from '@app/tlog';
import type { EntryRow, LedgerRepository, LogRow } from '../ledger.repository.js';
import { COMMITMENT_TYPE } from '../sequencer.js';
import { erasedLeaves } from './erasure-audit.js';
import type { AuditFinding, AuditProgress, LogAccount } from './finding.js';
import { judgeLeaf } from './leaf-audit.js';
import { checkOpening, type OpeningClaim } from './opening-audit.js';

/** 32 full level-0 tiles: few round trips, about 5 MB in memory. */
const BATCH_ENTRIES = 32 * TILE_WIDTH;
const ATTESTATION_TYPE = 'attestation';

export interface LogAuditOptions {
  readonly db: Database;
  readonly repository: LedgerRepository;
  readonly verifier: NoteVerifier;
  readonly onProgress: (progress: AuditProgress) => void;
}

interface StoredCheckpoint {
  readonly tree_size: bigint;
  readonly root_hash: Uint8Array;
  readonly note: string;
}

export class LogAudit {
  readonly findings: AuditFinding[] = [];
  private readonly builder = new TileBuilder(0n, []);
  private readonly edgeTiles = new Map<string, Tile[]>();
  private tilesSeen = 0;

  constructor(
    private readonly log: LogRow,
    private readonly options: LogAuditOptions,
  ) {}

  async run(): Promise<LogAccount> {
    const { db, repository, onProgress } = this.options;
    const { origin, logId } = this.log;
    const head = await repository.nextIndex(logId);
    const checkpoints = await db
      .selectFrom('checkpoint')
      .select(['tree_size', 'root_hash', 'note'])
      .where('log_id', '=', logId)
      .orderBy('tree_size')
      .execute();
    const bySize = new Map(checkpoints.map((checkpoint) => [checkpoint.tree_size, checkpoint]));
    const integrated = checkpoints.at(-1)?.tree_size ?? 0n;
    this.checkRoot(bySize.get(0n));
    let next = 0n;
    for (;;) {
      const entries = await repository.readEntries(db, logId, next, BATCH_ENTRIES);
      if (entries.length === 0) break;
      next = await this.auditBatch(entries, next, integrated, bySize);
      onProgress({ log: origin, done: next, of: head });
    }
    if (next !== head) this.report(head.toString(), 'log_head.next_index', `the log has ${next} entries`);
    for (const size of bySize.keys()) {
      if (size > next)
        this.report(size.toString(), 'checkpoint.tree_size', `the log has only ${next} entries`);
    }
    await this.auditEdge(integrated);
    for (const checkpoint of checkpoints) this.checkNote(checkpoint);
    return { log: origin, entries: next, checkpoints: checkpoints.length, tiles: this.tilesSeen };
  }

  private report(index: string | null, field: string, problem: string): void {
    this.findings.push({ log: this.log.origin, index, field, problem });
  }

  private async auditBatch(
    entries: readonly EntryRow[],
    from: bigint,
    integrated: bigint,
    checkpoints: ReadonlyMap<bigint, StoredCheckpoint>,
  ): Promise<bigint> {
    const tiles = await this.levelZeroTiles(from, entries.length);
    const openings = await this.openings(entries);
    const erased = await this.erased(entries, openings);
    let next = from;
    for (const entry of entries) {
      const index = entry.leafIndex.toString();
      if (entry.leafIndex !== next)
        this.report(next.toString(), 'entry.leaf_index', `the next entry has index ${index}`);
      next = entry.leafIndex + 1n;
      const tileHash = entry.leafIndex < integrated ? hashInTiles(tiles, entry.leafIndex) : null;
      const judgement = judgeLeaf({ log: this.log.origin, index }, { ...entry, tileHash });
      this.findings.push(...judgement.findings);
      if (!erased.has(entry.leafIndex))
        this.auditOpening(entry, judgement.leafIntact, openings.get(entry.leafIndex));
      this.builder.append(judgement.trueHash);
      this.checkRoot(checkpoints.get(this.builder.treeSize));
    }
    await this.compareFullTiles(tiles, integrated);
    return next;
  }

  private auditOpening(entry: EntryRow, leafIntact: boolean, claim: OpeningClaim | undefined): void {
    const place = { log: this.log.origin, index: entry.leafIndex.toString() };
    const table = this.log.kind === 'events' ? 'event' : 'commitment_opening';
    if (!claim)
      this.findings.push({
        ...place,
        field: `${table}.content`,
        problem: 'the row that opens this leaf is missing',
      });
    else if (leafIntact) this.findings.push(...checkOpening(place, claim));
  }

  /** Leaves whose opening is missing because their request is erased; asked only where one is missing. */
  private async erased(
    entries: readonly EntryRow[],
    openings: ReadonlyMap<bigint, OpeningClaim>,
  ): Promise<ReadonlySet<bigint>> {
    const missing = entries.map(({ leafIndex }) => leafIndex).filter((index) => !openings.has(index));
    if (this.log.kind === 'events' || missing.length === 0) return new Set();
    return erasedLeaves(this.options.db, this.log.logId, [missing[0]!, missing.at(-1)!]);
  }

  private async openings(entries: readonly EntryRow[]): Promise<Map<bigint, OpeningClaim>> {
    const leaves = new Map(entries.map((entry) => [entry.leafIndex, entry.leaf]));
    const [first, last] = [entries[0]!.leafIndex, entries.at(-1)!.leafIndex];
    const claims =
      this.log.kind === 'events'
        ? await this.eventClaims(first, last)
        : await this.commitmentClaims(first, last);
    return new Map(
      claims.flatMap(([index, claim]) =>
        leaves.has(index) ? [[index, { ...claim, leaf: leaves.get(index)! }] as const] : [],
      ),
    );
  }

  private async eventClaims(first: bigint, last: bigint): Promise<[bigint, Omit<OpeningClaim, 'leaf'>][]> {
    const rows = await this.options.db
      .selectFrom('event')
      .selectAll()
      .where('leaf_index', '>=', first)
      .where('leaf_index', '<=', last)
      .execute();
    return rows.map((row) => [
      row.leaf_index,
      {
        table: 'event',
        opening: { type: row.type, content: row.content, salt: row.salt },
        // An attestation's id is in no content: the verification lib's audit compares it with the attestation row.
        columns:
          row.type === ATTESTATION_TYPE || row.content.includes(row.subject_id)
            ? []
            : [{ field: 'event.subject_id', key: 'subject', value: row.subject_id }],
      },
    ]);
  }

  private async commitmentClaims(
    first: bigint,
    last: bigint,
  ): Promise<[bigint, Omit<OpeningClaim, 'leaf'>][]> {
    const rows = await this.options.db
      .selectFrom('commitment')
      .innerJoin('commitment_opening as opening', (join) =>
        join
          .onRef('opening.log_id', '=', 'commitment.log_id')
          .onRef('opening.leaf_index', '=', 'commitment.leaf_index'),
      )
      .innerJoin('deletion_request as request', 'request.request_id', 'commitment.request_id')
      .leftJoin('request_subject', 'request_subject.request_id', 'commitment.request_id')
      .selectAll('opening')
      .select(['commitment.request_id', 'position', 'subject', 'regime', 'received_at', 'due_at'])
      .select(['filed_by', 'filed_at', 'sample_count'])
      .where('commitment.log_id', '=', this.log.logId)
      .where('commitment.leaf_index', '>=', first)
      .where('commitment.leaf_index', '<=', last)
      .execute();
    return rows.map((row) => [
      row.leaf_index,
      {
        table: 'commitment_opening',
        opening: { type: COMMITMENT_TYPE, content: row.content, salt: row.salt },
        columns: [
          { field: 'log.model_id', key: 'model', value: this.log.modelId },
          { field: 'commitment.request_id', key: 'request', value: row.request_id },
          { field: 'commitment_opening.sample_id', key: 'sample', value: row.sample_id },
          { field: 'commitment.position', key: 'position', value: row.position },
          { field: 'request_subject.subject', key: 'subject', value: row.subject },
          { field: 'deletion_request.regime', key: 'regime', value: row.regime },
          { field: 'deletion_request.received_at', key: 'receivedAt', value: row.received_at },
          { field: 'deletion_request.due_at', key: 'dueAt', value: row.due_at },
          { field: 'deletion_request.filed_by', key: 'filedBy', value: row.filed_by },
          { field: 'deletion_request.filed_at', key: 'filedAt', value: row.filed_at },
          { field: 'deletion_request.sample_count', key: 'sampleCount', value: row.sample_count },
        ],
      },
    ]);
  }

  private async levelZeroTiles(from: bigint, count: number): Promise<Map<string, Tile[]>> {
    const first = from / BigInt(TILE_WIDTH);
    const last = (from + BigInt(count - 1)) / BigInt(TILE_WIDTH);
    const rows = await this.options.db
      .selectFrom('tile')
      .select(['level', 'tile_index as index', 'width', 'hashes'])
      .where('log_id', '=', this.log.logId)
      .where('level', '=', 0)
      .where('tile_index', '>=', first)
      .where('tile_index', '<=', last)
      .orderBy('tile_index')
      .orderBy('width')
      .execute();
    return grouped(rows);
  }

  /** Compares the tiles that became full with all stored widths of them. */
  private async compareFullTiles(levelZero: ReadonlyMap<string, Tile[]>, integrated: bigint): Promise<void> {
    const full = this.builder.takeFullTiles();
    const upper = full.filter((tile) => tile.level > 0);
    const stored = new Map([...levelZero, ...(await this.storedTiles(upper))]);
    for (const tile of full) {
      const covered = (tile.index + 1n) * BigInt(TILE_WIDTH) ** BigInt(tile.level + 1);
      this.compareTile(tile, stored.get(tileKey(tile)) ?? [], covered <= integrated);
      levelZero.get(tileKey(tile))?.splice(0);
    }
    for (const [key, rows] of levelZero) if (rows.length > 0) this.edgeTiles.set(key, rows);
  }

  private async storedTiles(tiles: readonly Pick<Tile, 'level' | 'index'>[]): Promise<Map<string, Tile[]>> {
    const found: Tile[] = [];
    for (const { level, index } of tiles) {
      found.push(
        ...(await this.options.db
          .selectFrom('tile')
          .select(['level', 'tile_index as index', 'width', 'hashes'])
          .where('log_id', '=', this.log.logId)
          .where('level', '=', level)
          .where('tile_index', '=', index)
          .orderBy('width')
          .execute()),
      );
    }
    return grouped(found);
  }

  private async auditEdge(integrated: bigint): Promise<void> {
    const partial = this.builder.changedPartialTiles();
    const stored = await this.storedTiles(partial);
    for (const tile of partial) this.compareTile(tile, stored.get(tileKey(tile)) ?? [], false);
    const { total } = await this.options.db
      .selectFrom('tile')
      .select((eb) => eb.fn.countAll<bigint>().as('total'))
      .where('log_id', '=', this.log.logId)
      .executeTakeFirstOrThrow();
    if (total !== BigInt(this.tilesSeen))
      this.report(
        integrated.toString(),
        'tile.tile_index',
        `${total - BigInt(this.tilesSeen)} stored tiles belong to no part of the tree`,
      );
  }

  private compareTile(expected: Tile, stored: readonly Tile[], mustExist: boolean): void {
    const place = `${expected.level}/${expected.index}`;
    if (mustExist && !stored.some((tile) => tile.width === TILE_WIDTH))
      this.report(place, 'tile.hashes', 'the full tile is missing');
    for (const tile of stored) {
      this.tilesSeen += 1;
      const wanted = expected.hashes.subarray(0, tile.hashes.length);
      if (tile.width > expected.width || Buffer.compare(tile.hashes, wanted) !== 0) {
        const first = tile.hashes.findIndex((byte, position) => byte !== wanted[position]);
        this.report(
          place,
          'tile.hashes',
          `width ${tile.width}: differs from the entries at hash ${Math.floor(first / 32)}`,
        );
      }
    }
  }

  private checkRoot(checkpoint: StoredCheckpoint | undefined): void {
    if (!checkpoint) return;
    const root = this.builder.compactRange().root();
    if (Buffer.compare(root, checkpoint.root_hash) !== 0) {
      this.report(checkpoint.tree_size.toString(), 'checkpoint.root_hash', 'is not the root of the entries');
    }
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

const tileKey = ({ level, index }: Pick<Tile, 'level' | 'index'>): string => `${level}/${index}`;

function grouped(rows: readonly Tile[]): Map<string, Tile[]> {
  const groups = new Map<string, Tile[]>();
  for (const row of rows) groups.set(tileKey(row), [...(groups.get(tileKey(row)) ?? []), row]);
  return groups;
}

/** The leaf hash in the widest stored tile that covers it. */
function hashInTiles(tiles: ReadonlyMap<string, Tile[]>, leafIndex: bigint): Uint8Array | null {
  const width = BigInt(TILE_WIDTH);
  const tile = tiles.get(tileKey({ level: 0, index: leafIndex / width }))?.at(-1);
  const first = Number(leafIndex % width) * 32;
  return tile && tile.hashes.length >= first + 32 ? tile.hashes.subarray(first, first + 32) : null;
}
