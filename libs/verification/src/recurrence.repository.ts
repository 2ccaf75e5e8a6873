/** Owns `recurrence`, and reads from request results what recurrences are found in. */
import { DATABASE, type Database, type Queryable, type Tx } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { ReleaseVerdict } from './recurrence.js';
import type { RequestVerdict } from './verdict.js';

/** A request that was clean under one release and is RESIDUAL under a later one. */
export interface RecordedRecurrence {
  readonly recurrenceId: string;
  readonly modelId: string;
  readonly requestId: string;
  /** The verification that found it. */
  readonly verificationId: string;
  readonly firstBadRelease: string;
  readonly lastCleanRelease: string;
  /** Releases in between without a clear verdict, oldest first: the cause may lie in any of them. */
  readonly unclearReleases: readonly string[];
  readonly detectedAt: Date;
  /** Leaf index in the event log. */
  readonly eventIndex: bigint;
}

export interface RecurrenceFilter {
  readonly modelId?: string | undefined;
  readonly requestId?: string | undefined;
}

@Injectable()
export class RecurrenceRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /**
   * Verdicts of every request that is RESIDUAL under the verification, on the model's releases up to its own: one for each
   * generation of a release's signals, that of its newest verification, in order of registration.
   */
  async residualHistories(
    verificationId: string,
    release: { readonly modelId: string; readonly ordinal: number },
  ): Promise<Map<string, ReleaseVerdict[]>> {
    const { rows } = await sql<{ request_id: string; release_id: string; verdict: RequestVerdict }>`
      select distinct on (rr.request_id, r.ordinal, v.generation) rr.request_id, r.release_id,
        case when rr.verification_id = ${verificationId} then 'RESIDUAL' else rr.verdict end as verdict
      from lacuna.request_result rr
      join lacuna.verification v on v.verification_id = rr.verification_id
      join lacuna.release r on r.release_id = v.release_id
      where r.model_id = ${release.modelId} and r.ordinal <= ${release.ordinal}
        and rr.request_id in (
          select request_id from lacuna.request_result
          where verification_id = ${verificationId} and verdict = 'RESIDUAL')
      order by rr.request_id, r.ordinal, v.generation, rr.verification_id = ${verificationId} desc, v.requested_at desc
    `.execute(this.db);
    const histories = new Map<string, ReleaseVerdict[]>();
    for (const { request_id: requestId, release_id: releaseId, verdict } of rows) {
      const history = histories.get(requestId) ?? [];
      histories.set(requestId, history);
      history.push({ releaseId, verdict });
    }
    return histories;
  }

  /** Requests whose recurrence under the release is recorded. */
  async recordedUnder(releaseId: string, db: Queryable = this.db): Promise<Set<string>> {
    const rows = await db
      .selectFrom('recurrence')
      .select('request_id')
      .where('first_bad_release', '=', releaseId)
      .execute();
    return new Set(rows.map((row) => row.request_id));
  }

  /** In order of detection, behind the event index `after`. */
  async list(filter: RecurrenceFilter, after: bigint | null, limit: number): Promise<RecordedRecurrence[]> {
    let query = this.db.selectFrom('recurrence').selectAll();
    if (filter.modelId) query = query.where('model_id', '=', filter.modelId);
    if (filter.requestId) query = query.where('request_id', '=', filter.requestId);
    if (after !== null) query = query.where('event_index', '>', after);
    const rows = await query.orderBy('event_index').limit(limit).execute();
    return rows.map((row) => ({
      recurrenceId: row.recurrence_id,
      modelId: row.model_id,
      requestId: row.request_id,
      verificationId: row.verification_id,
      firstBadRelease: row.first_bad_release,
      lastCleanRelease: row.last_clean_release,
      unclearReleases: row.unclear_releases,
      detectedAt: row.detected_at,
      eventIndex: row.event_index,
    }));
  }

  async insert(tx: Tx, recurrence: RecordedRecurrence): Promise<void> {
    await tx
      .insertInto('recurrence')
      .values({
        recurrence_id: recurrence.recurrenceId,
        model_id: recurrence.modelId,
        request_id: recurrence.requestId,
        verification_id: recurrence.verificationId,
        first_bad_release: recurrence.firstBadRelease,
        last_clean_release: recurrence.lastCleanRelease,
        unclear_releases: recurrence.unclearReleases,
        detected_at: recurrence.detectedAt,
        event_index: recurrence.eventIndex,
      })
      .execute();
  }
}
