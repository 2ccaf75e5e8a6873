/** SQL of the table `schedule_run`: which due times were served. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Queryable, type Tx } from '@app/persistence';
import { sql } from 'kysely';

/** Any fixed number: one for all schedules, whose runs are short. */
const SCHEDULE_LOCK = 4_466_000_010;
/** First half of a two-part key, of which the second is the schedule. */
const LONG_SCHEDULE_LOCK = 44_665;

@Injectable()
export class ScheduleRunRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Runs `work` while no other daemon does; waits for one that is at it. */
  exclusively<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(async (tx) => {
      await sql`select pg_advisory_xact_lock(${SCHEDULE_LOCK})`.execute(tx);
      return work(tx);
    });
  }

  /**
   * Runs `work` while no other daemon does so for this schedule; null at once where one is at it. Nothing else waits for it,
   * so that it may take long.
   */
  unlessRunning<T>(schedule: string, work: (tx: Tx) => Promise<T>): Promise<T | null> {
    return this.db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ held: boolean }>`
        select pg_try_advisory_xact_lock(${LONG_SCHEDULE_LOCK}, hashtext(${schedule})) as held`.execute(tx);
      return rows[0]?.held ? work(tx) : null;
    });
  }

  /** What the latest run left, or null before the first. */
  async latest(schedule: string, on: Queryable = this.db): Promise<{ ranAt: Date; summary: unknown } | null> {
    const row = await on
      .selectFrom('schedule_run')
      .select(['ran_at', 'summary'])
      .where('schedule', '=', schedule)
      .orderBy('due_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row ? { ranAt: row.ran_at, summary: row.summary } : null;
  }

  /** The latest due time served, or null before the first. */
  async lastServed(tx: Tx, schedule: string): Promise<Date | null> {
    const row = await tx
      .selectFrom('schedule_run')
      .select('due_at')
      .where('schedule', '=', schedule)
      .orderBy('due_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.due_at ?? null;
  }

  async insert(
    on: Queryable,
    run: { schedule: string; dueAt: Date; ranAt: Date; summary: object },
  ): Promise<void> {
    await on
      .insertInto('schedule_run')
      .values({ schedule: run.schedule, due_at: run.dueAt, ran_at: run.ranAt, summary: run.summary })
      .execute();
  }
}
