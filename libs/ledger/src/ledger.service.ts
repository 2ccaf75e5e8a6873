/** The ledger as everybody else sees it: append, read checkpoints, prove. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '@app/persistence';
import {
  edgeTiles,
  proveConsistencyFromTiles,
  proveInclusionFromTiles,
  TileBuilder,
  type TileCoordinates,
  type TileReader,
  treeEdge,
  type TreeEdge,
} from '@app/tlog';
import type { AppendOperation, Json } from './append-operation.js';
import { LedgerError } from './errors.js';
import type { EventRow } from './group-rows.js';
import type { CheckpointRow, EntryRow, LedgerRepository, LogRow } from './ledger.repository.js';
import { narrowedEdge } from './narrowed-edge.js';
import type { PublicationRepository } from './publication.repository.js';
import type { Sequencer } from './sequencer.js';
import { UpperTiles } from './upper-tiles.js';

/** Between two looks for a checkpoint; the integrator needs about as long for a small batch. */
const POLL_MS = 20;

export interface SignedCheckpoint extends CheckpointRow {
  readonly origin: string;
}

/** What follows the ledger's name in the event log's origin. */
const EVENT_LOG = '/events';

export class LedgerService {
  private readonly edges = new Map<number, TreeEdge>();
  private readonly upperTiles = new UpperTiles();

  constructor(
    private readonly repository: LedgerRepository,
    private readonly publications: PublicationRepository,
    private readonly sequencer: Sequencer,
    private readonly ledgerName: string,
  ) {}

  /**
   * Makes the event log where there is none; safe to call at every start.
   * @throws LedgerError `LEDGER_NAME_CHANGED` for a ledger that began under another name: witnesses and whoever holds its
   *   published key would take what follows for another ledger
   */
  async open(): Promise<void> {
    const origin = `${this.ledgerName}${EVENT_LOG}`;
    const isNew = (await this.repository.findLog({ kind: 'events' })) === undefined;
    if (isNew) await this.repository.createLog(this.repository.db, { origin, kind: 'events', modelId: null });
    const first = await this.eventLog();
    if (first.origin === origin) return;
    const name = first.origin.slice(0, -EVENT_LOG.length);
    throw new LedgerError(
      'LEDGER_NAME_CHANGED',
      `the logs in this database began as ${name}; set LACUNA_LEDGER_NAME to that, or use another database for ${this.ledgerName}`,
      { details: { name, given: this.ledgerName } },
    );
  }

  /** See {@link Sequencer.append}. */
  append<T extends Json>(operation: AppendOperation<T>): Promise<T> {
    return this.sequencer.append(operation);
  }

  /** Responses stored in `scope` under keys that begin with `prefix`, in no particular order. */
  responsesUnder(scope: string, prefix: string): Promise<unknown[]> {
    return this.repository.responsesUnder(scope, prefix);
  }

  /** All logs in the order they were made. */
  logs(): Promise<LogRow[]> {
    return this.repository.logs();
  }

  /** The log of that origin, if there is one. */
  findLog(origin: string): Promise<LogRow | undefined> {
    return this.repository.findLog({ origin });
  }

  /** @throws LedgerError `LEDGER_LOG_UNKNOWN` */
  async commitmentLog(modelId: string): Promise<LogRow> {
    return known(await this.repository.findLog({ modelId }));
  }

  /** @throws LedgerError `LEDGER_LOG_UNKNOWN` before the first daemon started */
  async eventLog(): Promise<LogRow> {
    return known(await this.repository.findLog({ kind: 'events' }));
  }

  /** Number of acknowledged entries. @throws LedgerError `LEDGER_LOG_UNKNOWN` */
  nextIndex(logId: number, on?: Queryable): Promise<bigint> {
    return this.repository.nextIndex(logId, on);
  }

  /** The published checkpoint of exactly `treeSize`, or the latest; null where there is none. */
  async checkpoint(log: LogRow, treeSize?: bigint): Promise<SignedCheckpoint | null> {
    const row = await this.publications.findPublished(log.logId, treeSize);
    return row ? { ...row, origin: log.origin } : null;
  }

  /**
   * The latest published checkpoint once it covers `minSize` entries.
   * @throws LedgerError `LEDGER_NOT_INTEGRATED` (retryable) after `patienceMs`
   */
  async checkpointCovering(log: LogRow, minSize: bigint, patienceMs: number): Promise<SignedCheckpoint> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const checkpoint = await this.checkpoint(log);
      if (checkpoint && checkpoint.treeSize >= minSize) return checkpoint;
      if (Date.now() > deadline) {
        throw new LedgerError(
          'LEDGER_NOT_INTEGRATED',
          `log ${log.origin} has no checkpoint of ${minSize} entries yet`,
          {
            retryable: true,
          },
        );
      }
      await delay(POLL_MS);
    }
  }

  /** Leaf side first. @throws TlogError `TLOG_OUT_OF_RANGE`, LedgerError `LEDGER_NOT_INTEGRATED` */
  proveInclusion(logId: number, leafIndex: bigint, treeSize: bigint): Promise<Uint8Array[]> {
    return this.edgeOf(logId, treeSize).then((edge) =>
      proveInclusionFromTiles(this.proofTiles(logId), leafIndex, treeSize, edge),
    );
  }

  /** The right edge of a tree, kept for the last size asked for: with it a proof reads one tile a level at most. */
  private async edgeOf(logId: number, treeSize: bigint): Promise<TreeEdge> {
    const known = this.edges.get(logId);
    if (known?.treeSize === treeSize) return known;
    const tiles = await this.proofTiles(logId).readTiles(edgeTiles(treeSize));
    const edge = treeEdge(new TileBuilder(treeSize, narrowedEdge(tiles, treeSize)).compactRange());
    this.edges.set(logId, edge);
    return edge;
  }

  /** @throws TlogError `TLOG_OUT_OF_RANGE`, LedgerError `LEDGER_NOT_INTEGRATED` */
  proveConsistency(logId: number, fromSize: bigint, toSize: bigint): Promise<Uint8Array[]> {
    return proveConsistencyFromTiles(this.proofTiles(logId), fromSize, toSize);
  }

  /** Stored tiles of one log, in one query a call. */
  tiles(logId: number): TileReader {
    return {
      readTiles: (tiles: readonly TileCoordinates[]) =>
        this.repository.readTiles(this.repository.db, logId, tiles),
    };
  }

  private proofTiles(logId: number): TileReader {
    return this.upperTiles.over(logId, this.tiles(logId));
  }

  /** Entries from `from` on, at most `limit`, in order. */
  entries(logId: number, from: bigint, limit: number): Promise<EntryRow[]> {
    return this.repository.readEntries(this.repository.db, logId, from, limit);
  }

  /** @throws LedgerError `LEDGER_INDEX_UNKNOWN` */
  async event(leafIndex: bigint): Promise<EventRow> {
    const event = await this.repository.findEvent(leafIndex);
    if (!event) throw new LedgerError('LEDGER_INDEX_UNKNOWN', `the event log has no entry ${leafIndex}`);
    return event;
  }
}

function known(log: LogRow | undefined): LogRow {
  if (!log) throw new LedgerError('LEDGER_LOG_UNKNOWN', 'there is no such log');
  return log;
}
