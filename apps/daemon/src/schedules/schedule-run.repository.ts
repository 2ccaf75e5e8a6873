/** SQL of the table `schedule_run`: which due times were served. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Tx } from '@app/persistence';
import { sql } from 'kysely';

/** Any fixed number: one for all schedules, whose runs are short. */
const SCHEDULE_LOCK = 4_466_000_010;

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

  async insert(tx: Tx, run: { schedule: string; dueAt: Date; ranAt: Date; summary: object }): Promise<void> {
    await tx
      .insertInto('schedule_run')
      .values({ schedule: run.schedule, due_at: run.dueAt, ran_at: run.ranAt, summary: run.summary })
      .execute();
  }
}
