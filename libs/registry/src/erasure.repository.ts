/** SQL of the tables `erasure` and `erased_signals`; what is destroyed, `destroy_erased` of migration 0006 decides. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type ErasureReason, type Tables, type Tx } from '@app/persistence';
import { type Selectable, sql } from 'kysely';
import { fromHex } from './digest-hex.js';

export interface Erasure {
  readonly erasureId: string;
  readonly requestId: string;
  readonly reason: ErasureReason;
  readonly erasedBy: string;
  readonly erasedAt: Date;
  readonly eventIndex: bigint;
}

/** Leaves of one request in one model's log, without a gap: positions run along with the indexes. */
export interface LeafRun {
  readonly modelId: string;
  readonly firstIndex: bigint;
  readonly firstPosition: number;
  readonly count: number;
}

/** What an erasure took from a recording, and what it left. */
export interface ErasedSignals {
  readonly recordingId: string;
  readonly rowsErased: number;
  readonly rowsLeft: number;
  /** Digest of the rows that are left, lowercase hex; see recording-digest.ts. */
  readonly digestLeft: string;
}

@Injectable()
export class ErasureRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Those of `requestIds` that are erased, in no particular order. */
  async find(requestIds: readonly string[]): Promise<Erasure[]> {
    if (requestIds.length === 0) return [];
    const query = this.db.selectFrom('erasure').selectAll();
    return (await query.where('request_id', 'in', [...requestIds]).execute()).map(toErasure);
  }

  async leafRuns(requestId: string): Promise<LeafRun[]> {
    const { rows } = await sql<LeafRun>`
      select log.model_id as "modelId", min(leaf_index) as "firstIndex", min(position) as "firstPosition",
        count(*)::integer as count
      from commitment join log using (log_id) where request_id = ${requestId}
      group by log.log_id, log.model_id, leaf_index - position order by log.log_id, min(leaf_index)`.execute(
      this.db,
    );
    return rows;
  }

  /** Samples of the request whose signals nobody else needs, by recording. */
  async erasableSignals(requestId: string): Promise<Map<string, ReadonlySet<string>>> {
    const { rows } = await sql<{ recordingId: string; sampleIds: string[] }>`
      select recording_id as "recordingId", array_agg(sample_id) as "sampleIds"
      from erasable_signals(${requestId}::uuid) group by recording_id order by recording_id`.execute(this.db);
    return new Map(rows.map((row) => [row.recordingId, new Set(row.sampleIds)]));
  }

  /** Samples of the request by model, without those that another living request or a sample set of the model needs. */
  async orphanedSamples(tx: Tx, requestId: string): Promise<{ modelId: string; sampleIds: string[] }[]> {
    const { rows } = await sql<{ modelId: string; sampleIds: string[] }>`
      with mine as materialized (
        select distinct log_id, log.model_id, opening.sample_id
        from commitment join commitment_opening opening using (log_id, leaf_index) join log using (log_id)
        where request_id = ${requestId}
      )
      select model_id as "modelId", array_agg(sample_id) as "sampleIds" from mine
      where not exists (
          select from commitment_opening other join commitment using (log_id, leaf_index)
          where other.sample_id = mine.sample_id and other.log_id = mine.log_id and request_id <> ${requestId})
        and not exists (
          select from sample_set join sample_set_member member using (sample_set_id)
          where sample_set.model_id = mine.model_id and member.sample_id = mine.sample_id)
      group by model_id order by model_id`.execute(tx);
    return rows;
  }

  /** How often erasures have taken rows from any of the recordings. */
  async timesReduced(recordingIds: readonly string[], on: Database | Tx = this.db): Promise<bigint> {
    if (recordingIds.length === 0) return 0n;
    const { total } = await on
      .selectFrom('erased_signals')
      .select((eb) => eb.fn.countAll<bigint>().as('total'))
      .where('recording_id', 'in', [...recordingIds])
      .executeTakeFirstOrThrow();
    return total;
  }

  async insert(tx: Tx, erasure: Erasure): Promise<void> {
    await tx
      .insertInto('erasure')
      .values({
        erasure_id: erasure.erasureId,
        request_id: erasure.requestId,
        reason: erasure.reason,
        erased_by: erasure.erasedBy,
        erased_at: erasure.erasedAt,
        event_index: erasure.eventIndex,
      })
      .execute();
  }

  async insertSignals(tx: Tx, erasureId: string, signals: readonly ErasedSignals[]): Promise<void> {
    for (const one of signals) {
      await tx
        .insertInto('erased_signals')
        .values({
          erasure_id: erasureId,
          recording_id: one.recordingId,
          rows_erased: one.rowsErased,
          rows_left: one.rowsLeft,
          digest_left: fromHex(one.digestLeft),
        })
        .execute();
    }
  }

  /**
   * Destroys openings, subject, digest of the filing and signals of the request, whose erasure must be inserted.
   * @returns how many rows went from which recording
   */
  async destroy(tx: Tx, requestId: string): Promise<Map<string, number>> {
    const { rows } = await sql<{ recording_id: string; rows_erased: number }>`
      select recording_id, rows_erased from destroy_erased(${requestId}::uuid)`.execute(tx);
    return new Map(rows.map((row) => [row.recording_id, row.rows_erased]));
  }
}

function toErasure(row: Selectable<Tables['erasure']>): Erasure {
  return {
    erasureId: row.erasure_id,
    requestId: row.request_id,
    reason: row.reason,
    erasedBy: row.erased_by,
    erasedAt: row.erased_at,
    eventIndex: row.event_index,
  };
}
