/**
 * Scheduled audits that were due and could not be carried out. Recorded beside the runs, so that every daemon tells of them
 * until an audit is carried out; the due time itself stays unserved. Where the database is what failed, the daemon that
 * tried keeps it in mind. Proven by test/medium/daemon-audit.spec.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { type Logger, LOGGER } from '@app/logging';
import { type Database, DATABASE } from '@app/persistence';
import { z } from 'zod';
import { ScheduleRunRepository } from './schedule-run.repository.js';

/** Under this name its rows lie in `schedule_run`. */
const AUDIT_FAILURE = 'audit-failure';
const summary = z.object({ reason: z.string() });

interface AuditFailure {
  readonly at: Date;
  /** A code, for a message may hold what is not for everybody; that is in the log. */
  readonly reason: string;
}

@Injectable()
export class AuditFailures {
  private unrecorded: AuditFailure | null = null;

  constructor(
    private readonly runs: ScheduleRunRepository,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async record(at: Date, error: unknown): Promise<void> {
    const reason = codeOf(error);
    this.unrecorded = { at, reason };
    try {
      const run = { schedule: AUDIT_FAILURE, dueAt: at, ranAt: at, summary: { reason } };
      await this.runs.insert(this.db, run);
      this.unrecorded = null;
    } catch (err) {
      this.logger.warn(
        { err },
        'that an audit failed could not be recorded; other daemons do not tell of it',
      );
    }
  }

  /** Why the latest audit could not be carried out; null where one was at `lastRunAt` or later. */
  async unresolved(lastRunAt: Date | null): Promise<string | null> {
    const recorded = await this.runs.latest(AUDIT_FAILURE);
    const failures = [
      this.unrecorded,
      recorded && { at: recorded.ranAt, reason: summary.parse(recorded.summary).reason },
    ];
    const open = failures.find((failure) => failure && !(lastRunAt && lastRunAt >= failure.at));
    return open?.reason ?? null;
  }
}

/** The first code among the error and its causes; the name of an error where there is none. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return error instanceof Error ? error.name : typeof error;
}
