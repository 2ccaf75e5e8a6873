/**
 * SQL of the log tables (log, log_head, entry, event, commitment, commitment_opening, tile, checkpoint, idempotency_key);
 * no other file writes them.
 */
import { copyIn, copyOut, type Database, type Queryable, type Tx } from '@app/persistence';
import { TILE_WIDTH, type Tile, type TileCoordinates } from '@app/tlog';
import { sql } from 'kysely';
import type { FactRow } from './append-operation.js';
import { hexArray } from './bulk-values.js';
import { CopyRows } from './copy-rows.js';
import { LedgerError } from './errors.js';
import type { SealedBatch } from './sealed-leaves.js';

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

export interface OpeningRow {
  readonly leafIndex: bigint;
  readonly content: string;
  readonly salt: Uint8Array;
}

export interface EventRow extends OpeningRow {
  readonly type: string;
  readonly subjectId: string;
}

export interface CheckpointRow {
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
  readonly note: string;
  readonly signedAt: Date;
}

export interface StoredResponse {
  readonly contentDigest: Uint8Array;
  readonly response: unknown;
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
    const { rows } =
      await sql<LockedHead>`select log_id as "logId", model_id as "modelId", next_index as "nextIndex"
      from log join log_head using (log_id)
      where model_id = any(${modelIds}::uuid[]) or (${withEvents} and log_id = (select min(log_id) from log where kind = 'events'))
      order by log_id for update of log_head`.execute(tx);
    return rows;
  }

  async moveHead(tx: Tx, logId: number, nextIndex: bigint): Promise<void> {
    await tx.updateTable('log_head').set({ next_index: nextIndex }).where('log_id', '=', logId).execute();
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

  async insertEntries(tx: Tx, rows: readonly CopyRows[]): Promise<void> {
    const message = CopyRows.message(rows);
    await copyIn(tx, 'copy entry (log_id, leaf_index, leaf, leaf_hash) from stdin (format binary)', message);
  }

  async insertEvents(tx: Tx, events: readonly EventRow[]): Promise<void> {
    if (events.length === 0) return;
    await tx
      .insertInto('event')
      .values(
        events.map((event) => ({
          leaf_index: event.leafIndex,
          type: event.type,
          subject_id: event.subjectId,
          content: event.content,
          salt: event.salt,
        })),
      )
      .execute();
  }

  async insertCommitments(tx: Tx, sealed: readonly SealedBatch[]): Promise<void> {
    if (sealed.length === 0) return;
    const commitments = CopyRows.message(sealed.map((batch) => batch.commitments));
    const openings = CopyRows.message(sealed.map((batch) => batch.openings));
    await copyIn(
      tx,
      'copy commitment (log_id, leaf_index, request_id, position) from stdin (format binary)',
      commitments,
    );
    await copyIn(
      tx,
      'copy commitment_opening (log_id, leaf_index, sample_id, content, salt) from stdin (format binary)',
      openings,
    );
  }

  async storedResponses(
    tx: Tx,
    keys: readonly { scope: string; key: string }[],
  ): Promise<Map<string, StoredResponse>> {
    if (keys.length === 0) return new Map();
    const rows = await sql<{ scope: string; key: string; content_digest: Uint8Array; response: unknown }>`
      select scope, key, content_digest, response from idempotency_key where (scope, key) in (
        select * from unnest(${keys.map((one) => one.scope)}::text[], ${keys.map((one) => one.key)}::text[]))`.execute(
      tx,
    );
    return new Map(
      rows.rows.map((row) => [
        responseKey(row),
        { contentDigest: row.content_digest, response: (row.response as { value: unknown }).value },
      ]),
    );
  }

  async responsesUnder(scope: string, prefix: string): Promise<unknown[]> {
    const { rows } = await sql<{ response: { value: unknown } }>`select response from idempotency_key
      where scope = ${scope} and starts_with(key, ${prefix})`.execute(this.db);
    return rows.map(({ response }) => response.value);
  }

  async storeResponses(
    tx: Tx,
    answers: readonly (StoredResponse & { readonly scope: string; readonly key: string })[],
  ): Promise<void> {
    for (const some of batches(answers)) {
      const values = some.map(({ scope, key, contentDigest, response }) => {
        // Wrapped, because a bare JSON null or string would not survive the driver's parameter typing.
        const wrapped: unknown = { value: response };
        return { scope, key, content_digest: contentDigest, response: wrapped };
      });
      await tx.insertInto('idempotency_key').values(values).execute();
    }
  }

  /**
   * Inserts rows of several operations: those of one table together, the tables in the order they first come in. All of a
   * table name the same columns.
   */
  async insertFacts(tx: Tx, facts: readonly FactRow[]): Promise<void> {
    const byTable = new Map<FactRow['table'], FactRow['values'][]>();
    for (const { table, values } of facts) {
      const rows = byTable.get(table) ?? [];
      rows.push(values);
      byTable.set(table, rows);
    }
    for (const [table, rows] of byTable) {
      const columns = sql.join(Object.keys(rows[0]!).map((column) => sql.ref(column)));
      // One parameter: a statement of as many as there are values takes longer to be read than to be done.
      await sql`insert into ${sql.table(table)} (${columns}) select ${columns}
        from json_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(rows)}::text::json)`.execute(
        tx,
      );
    }
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
    const { rows } = await sql<{ hashes: Uint8Array | null }>`select found.hashes from unnest(
        ${tiles.map((tile) => tile.level)}::smallint[], ${tiles.map((tile) => String(tile.index))}::bigint[],
        ${tiles.map((tile) => tile.width)}::smallint[]
      ) with ordinality as asked (level, tile_index, width, place)
      left join lateral (
        select hashes from tile where tile.log_id = ${logId}::int and tile.level = asked.level
          and tile.tile_index = asked.tile_index and tile.width between asked.width and ${TILE_WIDTH}
        order by tile.width limit 1
      ) found on true order by asked.place`.execute(on);
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

/** Rows in one INSERT: far below the 65,535 parameters that a statement may have. */
const BATCH_ROWS = 1000;

function* batches<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += BATCH_ROWS) yield rows.slice(from, from + BATCH_ROWS);
}

/** First half of the two-part advisory lock key; any number no other lock of ours uses. */
const INTEGRATOR_LOCK = 44_663;

/** Map key of a scoped idempotency key; the separator cannot occur in a scope. */
export const responseKey = ({ scope, key }: { scope: string; key: string }): string => `${scope}\n${key}`;
