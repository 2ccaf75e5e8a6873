/**
 * SQL of the tables `recording` and `recorded_signal`. New rows are gathered in a temporary table of the
 * transaction, because a recording's id is known only when its last row is: see recording-digest.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Queryable, type Tables, type Tx } from '@app/persistence';
import { type Selectable, sql } from 'kysely';
import type { RecordedRow, SignalKind } from './row-reader.js';

export interface Recording {
  readonly recordingId: string;
  /** SHA-256 of the content, lowercase hex; see recording-digest.ts. */
  readonly digest: string;
  readonly signalKind: SignalKind;
  readonly rowCount: number;
  readonly uploadedBy: string;
  readonly uploadedAt: Date;
}

export interface NewRecording {
  readonly recordingId: string;
  readonly digest: Uint8Array;
  readonly signalKind: SignalKind;
  readonly rowCount: number;
  readonly uploadedBy: string;
}

/** What is left of a recording after all erasures so far. */
export interface RecordingRemains {
  readonly rowsErased: number;
  readonly rowsLeft: number;
  /** Digest of the rows that are left, lowercase hex. */
  readonly digestLeft: string;
}

/** Rows of one read from the server: fewer cost round trips, more cost memory. */
const READ_BATCH = 10_000;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';

@Injectable()
export class RecordingRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Runs `work` in one transaction, which is rolled back when it throws. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(work);
  }

  async openStage(tx: Tx): Promise<void> {
    await sql`create temporary table staged_signal (
      sample_id text collate "C" not null, line integer not null, value double precision not null
    ) on commit drop`.execute(tx);
  }

  async stage(tx: Tx, rows: readonly RecordedRow[]): Promise<void> {
    const ids = rows.map((row) => row.sampleId);
    const lines = rows.map((row) => row.line);
    const values = rows.map((row) => row.value);
    await sql`insert into staged_signal (sample_id, line, value)
      select * from unnest(${ids}::text[], ${lines}::integer[], ${values}::double precision[])`.execute(tx);
  }

  /** The staged rows by sample id in code point order, equal ids by line. */
  async *staged(tx: Tx): AsyncGenerator<RecordedRow> {
    await sql`declare staged_rows cursor for
      select sample_id as "sampleId", line, value from staged_signal order by sample_id, line`.execute(tx);
    yield* fetched(tx, 'staged_rows');
    await sql`close staged_rows`.execute(tx);
  }

  /** Turns the staged rows into a recording, unless there is one with this id already. */
  async keepStaged(tx: Tx, recording: NewRecording): Promise<void> {
    const { rows } = await sql`
      insert into recording (recording_id, digest, signal_kind, row_count, uploaded_by, uploaded_at)
      values (${recording.recordingId}, ${recording.digest}, ${recording.signalKind}, ${recording.rowCount},
        ${recording.uploadedBy}, date_trunc('milliseconds', clock_timestamp()))
      on conflict (recording_id) do nothing returning 1`.execute(tx);
    if (rows.length === 0) return;
    await sql`insert into recorded_signal (recording_id, sample_id, line, value)
      select ${recording.recordingId}::uuid, sample_id, line, value from staged_signal order by sample_id`.execute(
      tx,
    );
  }

  async find(recordingIds: readonly string[]): Promise<Recording[]> {
    if (recordingIds.length === 0) return [];
    const query = this.db.selectFrom('recording').selectAll();
    const rows = await query.where('recording_id', 'in', [...recordingIds]).execute();
    return rows.map(toRecording);
  }

  /** The values that are known: `position` indexes `sampleIds`, `rank` the recordings. */
  async values(
    recordingIds: readonly string[],
    sampleIds: readonly string[],
  ): Promise<readonly KnownValue[]> {
    const { rows } = await sql<KnownValue>`
      select (wanted.position - 1)::integer as position, source.rank::integer as rank, signal.value
      from unnest(${[...recordingIds]}::uuid[]) with ordinality source (recording_id, rank)
      cross join unnest(${[...sampleIds]}::text[]) with ordinality wanted (sample_id, position)
      -- The limit keeps the planner from reading a whole recording when its statistics are old.
      cross join lateral (
        select value from recorded_signal found
        where found.recording_id = source.recording_id and found.sample_id = wanted.sample_id limit 1
      ) signal`.execute(this.db);
    return rows;
  }

  /** All recordings in order of id. */
  async *all(): AsyncGenerator<Recording> {
    for (let after = NIL_UUID; ;) {
      const rows = await this.db
        .selectFrom('recording')
        .selectAll()
        .where('recording_id', '>', after)
        .orderBy('recording_id')
        .limit(READ_BATCH)
        .execute();
      yield* rows.map(toRecording);
      const last = rows.at(-1);
      if (!last) return;
      after = last.recording_id;
    }
  }

  /** What erasures left of a recording; null where they took nothing. */
  async remains(recordingId: string): Promise<RecordingRemains | null> {
    const { rows } = await sql<RecordingRemains>`
      select (sum(rows_erased) over ())::integer as "rowsErased", rows_left as "rowsLeft",
        encode(digest_left, 'hex') as "digestLeft"
      from erased_signals join erasure using (erasure_id)
      where recording_id = ${recordingId} order by event_index desc limit 1`.execute(this.db);
    return rows[0] ?? null;
  }

  /**
   * All rows of a recording in canonical order (sample id, code point by code point), as of one moment. They are sorted
   * once: no index has this order, so that each page of a read in pages would sort the whole recording.
   */
  async *rows(recordingId: string): AsyncGenerator<RecordedRow> {
    if (this.db.isTransaction) return yield* inCanonicalOrder(this.db, recordingId);
    const tx = await this.db.startTransaction().execute();
    try {
      yield* inCanonicalOrder(tx, recordingId);
    } finally {
      await tx.rollback().execute();
    }
  }
}

async function* inCanonicalOrder(tx: Queryable, recordingId: string): AsyncGenerator<RecordedRow, void> {
  await sql`declare canonical_rows no scroll cursor for
    select sample_id as "sampleId", line, value from recorded_signal
    where recording_id = ${recordingId} order by sample_id collate "C"`.execute(tx);
  yield* fetched(tx, 'canonical_rows');
  await sql`close canonical_rows`.execute(tx);
}

/** What is left of a cursor over rows. */
async function* fetched(tx: Queryable, cursor: string): AsyncGenerator<RecordedRow> {
  for (;;) {
    const { rows } = await sql<RecordedRow>`fetch ${sql.lit(READ_BATCH)} from ${sql.id(cursor)}`.execute(tx);
    if (rows.length === 0) return;
    yield* rows;
  }
}

function toRecording(row: Selectable<Tables['recording']>): Recording {
  return {
    recordingId: row.recording_id,
    digest: Buffer.from(row.digest).toString('hex'),
    signalKind: row.signal_kind,
    rowCount: row.row_count,
    uploadedBy: row.uploaded_by,
    uploadedAt: row.uploaded_at,
  };
}

interface KnownValue {
  readonly position: number;
  readonly rank: number;
  readonly value: number;
}
