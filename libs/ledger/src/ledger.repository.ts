/**
 * SQL of the log tables (log, log_head, entry, event, commitment, commitment_opening, tile, checkpoint, idempotency_key);
 * no other file writes them.
 */
import type { Database, Queryable, Tx } from '@app/persistence';
import { TILE_WIDTH, type Tile, type TileCoordinates } from '@app/tlog';
import { sql } from 'kysely';
import { hexArray } from './bulk-values.js';
import { LedgerError } from './errors.js';

export interface LogRow {
  readonly logId: number;
  readonly origin: string;
  readonly kind: 'commitments' | 'events';
  readonly modelId: string | null;
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

export interface CommitmentRow extends OpeningRow {
  readonly logId: number;
  readonly requestId: string;
  readonly sampleId: string;
  readonly position: number;
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
    return query.where('kind', '=', 'events').executeTakeFirst();
  }

  /** Makes a log and its head; does nothing when the origin exists. */
  async createLog(on: Queryable, log: Omit<LogRow, 'logId'>): Promise<void> {
    await sql`with made as (
        insert into log (origin, kind, model_id) values (${log.origin}, ${log.kind}, ${log.modelId})
        on conflict do nothing returning log_id
      ) insert into log_head (log_id, next_index) select log_id, 0 from made`.execute(on);
  }

  /** Locks the heads in one order for everyone and returns the next index of each. */
  async lockHeads(tx: Tx, logIds: readonly number[]): Promise<Map<number, bigint>> {
    const rows = await tx
      .selectFrom('log_head')
      .select(['log_id', 'next_index'])
      .where('log_id', 'in', [...logIds])
      .orderBy('log_id')
      .forUpdate()
      .execute();
    return new Map(rows.map((row) => [row.log_id, row.next_index]));
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

  async insertEntries(tx: Tx, entries: readonly EntryRow[]): Promise<void> {
    await sql`insert into entry (log_id, leaf_index, leaf, leaf_hash)
      select log_id, leaf_index, decode(leaf, 'hex'), decode(leaf_hash, 'hex') from unnest(
        ${entries.map((entry) => entry.logId)}::int[], ${entries.map((entry) => String(entry.leafIndex))}::bigint[],
        ${hexArray(entries.map((entry) => entry.leaf))}, ${hexArray(entries.map((entry) => entry.leafHash))}
      ) as rows (log_id, leaf_index, leaf, leaf_hash)`.execute(tx);
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

  async insertCommitments(tx: Tx, rows: readonly CommitmentRow[]): Promise<void> {
    if (rows.length === 0) return;
    await sql`with rows as (select * from unnest(
        ${rows.map((row) => row.logId)}::int[], ${rows.map((row) => String(row.leafIndex))}::bigint[],
        ${rows.map((row) => row.requestId)}::uuid[], ${rows.map((row) => row.sampleId)}::text[],
        ${rows.map((row) => row.position)}::int[], ${rows.map((row) => row.content)}::text[],
        ${hexArray(rows.map((row) => row.salt))}
      ) as rows (log_id, leaf_index, request_id, sample_id, position, content, salt)
      ), openings as (
        insert into commitment_opening (log_id, leaf_index, sample_id, content, salt)
        select log_id, leaf_index, sample_id, content, decode(salt, 'hex') from rows
      ) insert into commitment (log_id, leaf_index, request_id, position)
      select log_id, leaf_index, request_id, position from rows`.execute(tx);
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

  async storeResponse(
    tx: Tx,
    key: { scope: string; key: string },
    contentDigest: Uint8Array,
    response: unknown,
  ): Promise<void> {
    // Wrapped, because a bare JSON null or string would not survive the driver's parameter typing.
    const wrapped: unknown = { value: response };
    await tx
      .insertInto('idempotency_key')
      .values({ scope: key.scope, key: key.key, content_digest: contentDigest, response: wrapped })
      .execute();
  }

  /** Entries from `from` on, in order, at most `limit`. */
  async readEntries(on: Queryable, logId: number, from: bigint, limit: number): Promise<EntryRow[]> {
    return on
      .selectFrom('entry')
      .select(['log_id as logId', 'leaf_index as leafIndex', 'leaf', 'leaf_hash as leafHash'])
      .where('log_id', '=', logId)
      .where('leaf_index', '>=', from)
      .orderBy('leaf_index')
      .limit(limit)
      .execute();
  }

  async readLeafHashes(on: Queryable, logId: number, from: bigint, limit: number): Promise<Uint8Array[]> {
    const rows = await on
      .selectFrom('entry')
      .select('leaf_hash')
      .where('log_id', '=', logId)
      .where('leaf_index', '>=', from)
      .orderBy('leaf_index')
      .limit(limit)
      .execute();
    return rows.map((row) => row.leaf_hash);
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

/** First half of the two-part advisory lock key; any number no other lock of ours uses. */
const INTEGRATOR_LOCK = 44_663;

/** Map key of a scoped idempotency key; the separator cannot occur in a scope. */
export const responseKey = ({ scope, key }: { scope: string; key: string }): string => `${scope}\n${key}`;
