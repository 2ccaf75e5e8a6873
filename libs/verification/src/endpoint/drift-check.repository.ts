/** Owns `drift_check`: what came out when an endpoint was asked again for known signals. */
import {
  DATABASE,
  type Database,
  type DriftOutcome,
  type Queryable,
  type Tables,
  type Tx,
} from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import type { Selectable } from 'kysely';
import type { TargetRelease } from '../signals.service.js';

export interface RecordedDriftCheck {
  readonly checkId: string;
  readonly releaseId: string;
  /** When the schedule was due or somebody asked: one check of a release for each due time. */
  readonly dueAt: Date;
  readonly checkedAt: Date;
  /** Of the release's signals, the one that was compared. DIFFERENT ends it. */
  readonly generation: number;
  readonly outcome: DriftOutcome;
  /** Samples that went through the endpoint again: each is one pass. */
  readonly sampled: number;
  /** Of them, those whose signal differs by more than the tolerance or cannot be had any more. */
  readonly differing: number;
  /** Of log-odds; null where no signal came. */
  readonly largestDifference: number | null;
  readonly tolerance: number;
  /** Why signals could not be had: the most frequent code; null where all came. */
  readonly errorCode: string | null;
  /** The sample was drawn with it: 32 bytes, hexadecimal. */
  readonly seed: string;
  readonly checkedBy: string;
  /** Leaf index in the event log. */
  readonly eventIndex: bigint;
}

export interface DriftCheckFilter {
  readonly releaseId: string;
  readonly outcome?: DriftOutcome | undefined;
}

@Injectable()
export class DriftCheckRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Which generation of its signals a release is in: how often what answers for it is known to have changed. */
  async generation(releaseId: string, db: Queryable = this.db): Promise<number> {
    const row = await db
      .selectFrom('drift_check')
      .select((eb) => eb.fn.max('generation').as('ended'))
      .where('release_id', '=', releaseId)
      .where('outcome', '=', 'DIFFERENT')
      .executeTakeFirst();
    return row?.ended === undefined || row.ended === null ? 0 : row.ended + 1;
  }

  /** The check that found the difference with which a generation began; undefined for generation 0. */
  async beginningOf({ releaseId, generation }: TargetRelease): Promise<RecordedDriftCheck | undefined> {
    const row = await this.db
      .selectFrom('drift_check')
      .selectAll()
      .where('release_id', '=', releaseId)
      .where('generation', '=', generation - 1)
      .where('outcome', '=', 'DIFFERENT')
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** The check that a due time asked for. */
  async ofDueTime(releaseId: string, dueAt: Date): Promise<RecordedDriftCheck | undefined> {
    const row = await this.db
      .selectFrom('drift_check')
      .selectAll()
      .where('release_id', '=', releaseId)
      .where('due_at', '=', dueAt)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Newest first, behind the event index `before`. */
  async list(
    { releaseId, outcome }: DriftCheckFilter,
    before: bigint | null,
    limit: number,
  ): Promise<RecordedDriftCheck[]> {
    let query = this.db.selectFrom('drift_check').selectAll().where('release_id', '=', releaseId);
    if (outcome) query = query.where('outcome', '=', outcome);
    if (before !== null) query = query.where('event_index', '<', before);
    return (await query.orderBy('event_index', 'desc').limit(limit).execute()).map(fromRow);
  }

  /** @returns false when the due time has its check, or the generation its end, already: then nothing changes. */
  async insert(tx: Tx, check: RecordedDriftCheck): Promise<boolean> {
    const result = await tx
      .insertInto('drift_check')
      .values({
        check_id: check.checkId,
        release_id: check.releaseId,
        due_at: check.dueAt,
        checked_at: check.checkedAt,
        generation: check.generation,
        outcome: check.outcome,
        sampled: check.sampled,
        differing: check.differing,
        largest_difference: check.largestDifference,
        tolerance: check.tolerance,
        error_code: check.errorCode,
        seed: new Uint8Array(Buffer.from(check.seed, 'hex')),
        checked_by: check.checkedBy,
        event_index: check.eventIndex,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
  }
}

function fromRow(row: Selectable<Tables['drift_check']>): RecordedDriftCheck {
  return {
    checkId: row.check_id,
    releaseId: row.release_id,
    dueAt: row.due_at,
    checkedAt: row.checked_at,
    generation: row.generation,
    outcome: row.outcome,
    sampled: row.sampled,
    differing: row.differing,
    largestDifference: row.largest_difference,
    tolerance: row.tolerance,
    errorCode: row.error_code,
    seed: Buffer.from(row.seed).toString('hex'),
    checkedBy: row.checked_by,
    eventIndex: row.event_index,
  };
}
