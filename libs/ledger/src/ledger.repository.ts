/**
 * SQL of the log tables (log, log_head, entry, event, commitment, commitment_opening, tile, checkpoint, idempotency_key);
 * nobody else writes them. What an append inserts is put together in group-rows.ts.
 */
import { copyOut, type Database, type Queryable, runPrepared, type Tx } from '@app/persistence';
import { TILE_WIDTH, type Tile, type TileCoordinates } from '@app/tlog';
import { sql } from 'kysely';
import { hexArray } from './bulk-values.js';
import { LedgerError } from './errors.js';
import {
  type Answer,
  commitmentRows,
  copyPlaced,
  entryRows,
  type EventRow,
  type GroupRows,
  insertAnswers,
  insertEvents,
  insertFacts,
  insertsOf,
  moveHeads,
  runInserts,
  type StoredResponse,
} from './group-rows.js';

export interface LogRow {
  readonly logId: number;
  readonly origin: string;
  readonly kind: 'commitments' | 'events';
  readonly modelId: string | null;
}

export interface LockedHead extends Pick<LogRow, 'logId' | 'modelId'> {
  readonly nextIndex: bigint;
}

export interface LogPosition extends LogRow {
  readonly nextIndex: bigint;
  /** Null, like the root, before the first checkpoint. */
  readonly treeSize: bigint | null;
  readonly rootHash: Uint8Array | null;
}

export interface EntryRow {
  readonly logId: number;
  readonly leafIndex: bigint;
  readonly leaf: Uint8Array;
  readonly leafHash: Uint8Array;
}

export interface CheckpointRow {
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
  readonly note: string;
  readonly signedAt: Date;
}

const LOG_COLUMNS = ['log_id as logId', 'origin', 'kind', 'model_id as modelId'] as const;

export class LedgerRepository {
  constructor(readonly db: Database) {}

  async logs(on: Queryable = this.db): Promise<LogRow[]> {
    return on.selectFrom('log').select(LOG_COLUMNS).orderBy('log_id').execute();
  }

  async findLog(
    where: { readonly modelId: string } | { readonly origin: string } | { readonly kind: 'events' },
    on: Queryable = this.db,
  ): Promise<LogRow | undefined> {
    const query = on.selectFrom('log').select(LOG_COLUMNS);
    if ('modelId' in where) return query.where('model_id', '=', where.modelId).executeTakeFirst();
    if ('origin' in where) return query.where('origin', '=', where.origin).executeTakeFirst();
    return query.where('kind', '=', 'events').orderBy('log_id').limit(1).executeTakeFirst();
  }

  /** Makes a log and its head; does nothing when the origin exists. */
  async createLog(on: Queryable, log: Omit<LogRow, 'logId'>): Promise<void> {
    await sql`with made as (
        insert into log (origin, kind, model_id) values (${log.origin}, ${log.kind}, ${log.modelId})
        on conflict do nothing returning log_id
      ) insert into log_head (log_id, next_index) select log_id, 0 from made`.execute(on);
  }

  /**
   * Locks the heads of these models' logs, and of the event log where wanted, in one order for everyone. The event log is the
   * oldest one, as in {@link findLog}: a ledger that was given another name later has a second, empty one.
   */
  async lockHeads(tx: Tx, modelIds: readonly string[], withEvents: boolean): Promise<LockedHead[]> {
    return runPrepared<LockedHead>(
      tx,
      `select log_id as "logId", model_id as "modelId", next_index as "nextIndex"
      from log join log_head using (log_id)
      where model_id = any($1::uuid[]) or ($2 and log_id = (select min(log_id) from log where kind = 'events'))
      order by log_id for update of log_head`,
      [modelIds, withEvents],
    );
  }

  /** All rows of a small group, in one statement. */
  insertGroup(tx: Tx, group: GroupRows): Promise<void> {
    return runInserts(tx, insertsOf(group));
  }

  moveHeads(tx: Tx, heads: GroupRows['heads']): Promise<void> {
    return runInserts(tx, [moveHeads(heads)]);
  }

  async nextIndex(logId: number, on: Queryable = this.db): Promise<bigint> {
    const row = await on
      .selectFrom('log_head')
      .select('next_index')
      .where('log_id', '=', logId)
      .executeTakeFirst();
    if (!row) throw new LedgerError('LEDGER_LOG_UNKNOWN', 'there is no such log');
    return row.next_index;
  }

  insertEntries(tx: Tx, entries: GroupRows['entries']): Promise<void> {
    return copyPlaced(tx, entryRows(entries));
  }

  async insertFacts(tx: Tx, facts: GroupRows['facts']): Promise<void> {
    for (const insert of insertFacts(facts)) await runInserts(tx, [insert]);
  }

  async insertEvents(tx: Tx, events: GroupRows['events']): Promise<void> {
    if (events.length > 0) await runInserts(tx, [insertEvents(events)]);
  }

  async insertCommitments(tx: Tx, batches: GroupRows['batches']): Promise<void> {
    if (batches.length > 0) for (const rows of commitmentRows(batches)) await copyPlaced(tx, rows);
  }

  async storeResponses(tx: Tx, answers: GroupRows['answers']): Promise<void> {
    if (answers.length > 0) await runInserts(tx, [insertAnswers(answers)]);
  }

  async storedResponses(
    tx: Tx,
    keys: readonly { scope: string; key: string }[],
  ): Promise<Map<string, StoredResponse>> {
    if (keys.length === 0) return new Map();
    const rows = await runPrepared<Answer & { response: { value: unknown } }>(
      tx,
      `select scope, key, content_digest as "contentDigest", response from idempotency_key where (scope, key) in (
        select * from unnest($1::text[], $2::text[]))`,
      [keys.map(({ scope }) => scope), keys.map(({ key }) => key)],
    );
    return new Map(
      rows.map((row) => [
        responseKey(row),
        { contentDigest: row.contentDigest, response: row.response.value },
      ]),
    );
  }

  async responsesUnder(scope: string, prefix: string): Promise<unknown[]> {
    const { rows } = await sql<{ response: { value: unknown } }>`select response from idempotency_key
      where scope = ${scope} and starts_with(key, ${prefix})`.execute(this.db);
    return rows.map(({ response }) => response.value);
  }

  /**
   * Entries from `from` on, in order, at most `limit`. Bounded on both sides, as every read of leaves here: on a table that
   * grew faster than its statistics, PostgreSQL would sort all that follows `from` to find the first few.
   */
  async readEntries(on: Queryable, logId: number, from: bigint, limit: number): Promise<EntryRow[]> {
    return on
      .selectFrom('entry')
      .select(['log_id as logId', 'leaf_index as leafIndex', 'leaf', 'leaf_hash as leafHash'])
      .where('log_id', '=', logId)
      .where('leaf_index', '>=', from)
      .where('leaf_index', '<', from + BigInt(limit))
      .orderBy('leaf_index')
      .execute();
  }

  /** Leaf hashes from `from` up to and without `end`, back to back; fewer where entries are missing. */
  async readLeafHashes(on: Queryable, logId: number, from: bigint, end: bigint): Promise<Uint8Array> {
    const [row] = await copyOut(
      on,
      `select string_agg(leaf_hash, '') from (
        select leaf_hash from entry where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${end}
        order by leaf_index
      ) as hashes`,
    );
    return row![0] ?? new Uint8Array(0);
  }

  async insertTiles(tx: Tx, logId: number, tiles: readonly Tile[]): Promise<void> {
    if (tiles.length === 0) return;
    await sql`insert into tile (log_id, level, tile_index, width, hashes)
      select ${logId}::int, level, tile_index, width, decode(hashes, 'hex') from unnest(
        ${tiles.map((tile) => tile.level)}::smallint[], ${tiles.map((tile) => String(tile.index))}::bigint[],
        ${tiles.map((tile) => tile.width)}::smallint[], ${hexArray(tiles.map((tile) => tile.hashes))}
      ) as rows (level, tile_index, width, hashes) on conflict do nothing`.execute(tx);
  }

  /**
   * The narrowest stored tile at least as wide as asked, for each place, in the order asked for; one index look-up each.
   * @throws LedgerError `LEDGER_NOT_INTEGRATED` for a tile that is not there yet
   */
  async readTiles(on: Queryable, logId: number, tiles: readonly TileCoordinates[]): Promise<Uint8Array[]> {
    const rows = await runPrepared<{ hashes: Uint8Array | null }>(
      on,
      `select found.hashes
      from unnest($2::smallint[], $3::bigint[], $4::smallint[])
        with ordinality as asked (level, tile_index, width, place)
      left join lateral (
        select hashes from tile where tile.log_id = $1::int and tile.level = asked.level
          and tile.tile_index = asked.tile_index and tile.width between asked.width and ${TILE_WIDTH}
        order by tile.width limit 1
      ) found on true order by asked.place`,
      [
        logId,
        tiles.map((tile) => tile.level),
        tiles.map((tile) => String(tile.index)),
        tiles.map((tile) => tile.width),
      ],
    );
    return rows.map((row) => {
      if (!row.hashes)
        throw new LedgerError('LEDGER_NOT_INTEGRATED', 'the log has no such tile yet', { retryable: true });
      return row.hashes;
    });
  }

  async insertCheckpoint(tx: Tx, logId: number, checkpoint: CheckpointRow): Promise<void> {
    await tx
      .insertInto('checkpoint')
      .values({
        log_id: logId,
        tree_size: checkpoint.treeSize,
        root_hash: checkpoint.rootHash,
        note: checkpoint.note,
        signed_at: checkpoint.signedAt,
      })
      .execute();
  }

  /** The checkpoint of exactly `treeSize`, or the latest. */
  async findCheckpoint(
    logId: number,
    treeSize?: bigint,
    on: Queryable = this.db,
  ): Promise<CheckpointRow | undefined> {
    const query = on
      .selectFrom('checkpoint')
      .select(['tree_size as treeSize', 'root_hash as rootHash', 'note', 'signed_at as signedAt'])
      .where('log_id', '=', logId);
    const chosen = treeSize === undefined ? query : query.where('tree_size', '=', treeSize);
    return chosen.orderBy('tree_size', 'desc').limit(1).executeTakeFirst();
  }

  /** Head and last checkpoint of every log, in the order they were made; two index look-ups a log. */
  async positions(): Promise<LogPosition[]> {
    const { rows } = await sql<LogPosition>`select log.log_id as "logId", origin, kind, model_id as "modelId",
        head.next_index as "nextIndex", last.tree_size as "treeSize", last.root_hash as "rootHash"
      from log join log_head head using (log_id)
      left join lateral (
        select tree_size, root_hash from checkpoint where checkpoint.log_id = log.log_id order by tree_size desc limit 1
      ) last on true order by log.log_id`.execute(this.db);
    return rows;
  }

  async findEvent(leafIndex: bigint): Promise<EventRow | undefined> {
    return this.db
      .selectFrom('event')
      .select(['leaf_index as leafIndex', 'type', 'subject_id as subjectId', 'content', 'salt'])
      .where('leaf_index', '=', leafIndex)
      .executeTakeFirst();
  }

  /** True once this transaction is the only one integrating the log; the lock ends with the transaction. */
  async tryIntegratorLock(tx: Tx, logId: number): Promise<boolean> {
    const { rows } = await sql<{
      held: boolean;
    }>`select pg_try_advisory_xact_lock(${INTEGRATOR_LOCK}, ${logId}) as held`.execute(tx);
    return rows[0]?.held ?? false;
  }
}

/** First half of the two-part advisory lock key; any number no other lock of ours uses. */
const INTEGRATOR_LOCK = 44_663;

/** Map key of a scoped idempotency key; the separator cannot occur in a scope. */
export const responseKey = ({ scope, key }: { scope: string; key: string }): string => `${scope}\n${key}`;
