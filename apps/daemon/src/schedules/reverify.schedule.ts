/**
 * Looks at every model's current release at the due times of LACUNA_REVERIFY_CRON: it is verified again where something
 * changed or its attestation would expire, where it runs behind an endpoint that says what it said (a drift check comes first),
 * and counted as unchanged where not. Of several daemons one serves
 * each due time (advisory lock and a row per due time); one that was missed while all were down is served at the next
 * start, once. A crash between asking and writing the row asks again, which computes nothing twice.
 * Proven by test/medium/daemon-schedule.spec.ts.
 */
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { type Config, CONFIG } from '@app/config';
import { CLOCK, type Clock } from '@app/ledger';
import { type Logger, LOGGER } from '@app/logging';
import { ReverificationService, VerificationService } from '@app/verification';
import { CronJob } from 'cron';
import { Metrics } from '../operations/metrics.js';
import { latestDue, nextAfter, parseCron } from './due-times.js';
import { ScheduleRunRepository } from './schedule-run.repository.js';

const SCHEDULE = 'reverify';
/** Value of LACUNA_REVERIFY_CRON that switches the schedule off. */
export const SCHEDULE_OFF = 'off';

@Injectable()
export class ReverifySchedule implements OnApplicationBootstrap, OnModuleDestroy {
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly runs: ScheduleRunRepository,
    private readonly verifications: VerificationService,
    private readonly reverifications: ReverificationService,
    private readonly metrics: Metrics,
    private readonly registry: SchedulerRegistry,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    // Jobs are in the database and outlive a crash; this is for the ones that used up their tries meanwhile.
    const resumed = await this.verifications.resumeUnfinished();
    if (resumed > 0) this.logger.info({ verifications: resumed }, 'resuming unfinished verifications');
    const cronTime = this.config.LACUNA_REVERIFY_CRON;
    if (cronTime === SCHEDULE_OFF) return;
    await this.serveDue();
    const job = CronJob.from({ cronTime, timeZone: 'UTC', onTick: () => this.tick(), start: true });
    this.registry.addCronJob(SCHEDULE, job);
  }

  async onModuleDestroy(): Promise<void> {
    if (this.registry.doesExist('cron', SCHEDULE)) this.registry.deleteCronJob(SCHEDULE);
    await this.running;
  }

  /**
   * Serves the latest due time that nobody has served.
   * @returns it, or null when nothing was due
   */
  async serveDue(): Promise<Date | null> {
    const cron = parseCron(this.config.LACUNA_REVERIFY_CRON, 'LACUNA_REVERIFY_CRON');
    return this.runs.exclusively(async (tx) => {
      const now = this.clock();
      const since = await this.runs.lastServed(tx, SCHEDULE);
      // Before its first start there was nothing to miss; from now on there is.
      if (since === null) {
        const summary = { began: true };
        await this.runs.insert(tx, { schedule: SCHEDULE, dueAt: now, ranAt: now, summary });
        return null;
      }
      const dueAt = latestDue(cron, since, now);
      if (dueAt === null) return null;
      const summary = await this.reverifications.requestDue({ dueAt, now, next: nextAfter(cron, now) });
      await this.runs.insert(tx, { schedule: SCHEDULE, dueAt, ranAt: now, summary });
      for (const [outcome, count] of Object.entries(summary))
        this.metrics.reverifications.inc({ outcome }, count);
      this.logger.info(
        { dueAt, ...summary },
        'current releases were looked at: verified again unless unchanged',
      );
      return dueAt;
    });
  }

  private tick(): void {
    this.running = this.serveDue().catch((error: unknown) => {
      // The due time stays unserved; the next tick or start takes it along.
      this.logger.error({ err: error }, 'the schedule could not be served');
    });
  }
}
