/**
 * Audits the ledger at the due times of LACUNA_AUDIT_CRON: what came after the checkpoints that the last clean audit kept,
 * and everything when the last full audit is a week old, when none is known, or when the last audit found something. The
 * checkpoints are kept in the data directory, outside the database that is audited.
 *
 * Of several daemons one audits; the others go on. A due time that was missed, or whose audit was cut short by a crash, is
 * served at the next start. What is found, or that an audit could not be carried out, is told in the log at once, and by
 * /readyz and /metrics of every daemon until an audit is clean. Proven by test/medium/daemon-audit.spec.ts.
 */
import { join } from 'node:path';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import type { KeySet } from '@app/attestation';
import {
  auditInstallation,
  type KeptCheckpoints,
  readKeptCheckpoints,
  writeKeptCheckpoints,
} from '@app/audit';
import { type Config, CONFIG } from '@app/config';
import { type AuditReport, auditThreads, CLOCK, type Clock } from '@app/ledger';
import { type Logger, LOGGER } from '@app/logging';
import { type Database, DATABASE, type DatabaseAddress } from '@app/persistence';
import { CronJob } from 'cron';
import { Metrics } from '../operations/metrics.js';
import { AuditFailures } from './audit-failures.js';
import { AUDIT_SCHEDULE, type AuditOutcome, parseOutcome, TOLD_FINDINGS } from './audit-outcome.js';
import { latestDue, parseCron } from './due-times.js';
import { SCHEDULE_OFF } from './reverify.schedule.js';
import { ScheduleRunRepository } from './schedule-run.repository.js';

/** Injection token of {@link AuditTarget}. */
export const AUDIT_TARGET = Symbol('AUDIT_TARGET');
const FULL_EVERY_MS = 7 * 86_400_000;
const KEPT_FILE = 'audited-checkpoints.json';

export interface AuditTarget {
  readonly address: DatabaseAddress;
  /** The data directory. */
  readonly directory: string;
  readonly keySet: KeySet;
}

@Injectable()
export class AuditSchedule implements OnApplicationBootstrap, OnModuleDestroy {
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly runs: ScheduleRunRepository,
    private readonly registry: SchedulerRegistry,
    private readonly metrics: Metrics,
    private readonly failures: AuditFailures,
    @Inject(AUDIT_TARGET) private readonly target: AuditTarget,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const cronTime = this.config.LACUNA_AUDIT_CRON;
    if (cronTime === SCHEDULE_OFF) return;
    // Not awaited: the daemon serves while it audits.
    this.tick();
    const job = CronJob.from({ cronTime, timeZone: 'UTC', onTick: () => this.tick(), start: true });
    this.registry.addCronJob(AUDIT_SCHEDULE, job);
  }

  async onModuleDestroy(): Promise<void> {
    if (this.registry.doesExist('cron', AUDIT_SCHEDULE)) this.registry.deleteCronJob(AUDIT_SCHEDULE);
    await this.running;
  }

  /** Serves the latest due time that nobody has served; null when nothing was due, or another daemon is at it. */
  serveDue(): Promise<AuditOutcome | null> {
    const cron = parseCron(this.config.LACUNA_AUDIT_CRON, 'LACUNA_AUDIT_CRON');
    return this.runs.unlessRunning(AUDIT_SCHEDULE, async (tx) => {
      const now = this.clock();
      const since = await this.runs.lastServed(tx, AUDIT_SCHEDULE);
      if (since === null) {
        const summary = { began: true };
        await this.runs.insert(tx, { schedule: AUDIT_SCHEDULE, dueAt: now, ranAt: now, summary });
        return null;
      }
      const dueAt = latestDue(cron, since, now);
      if (dueAt === null) return null;
      const before = parseOutcome((await this.runs.latest(AUDIT_SCHEDULE, tx))?.summary);
      const summary = await this.audit(now, before !== null && before.findings > 0);
      await this.runs.insert(tx, { schedule: AUDIT_SCHEDULE, dueAt, ranAt: now, summary });
      return summary;
    });
  }

  private async audit(now: Date, isSuspect: boolean): Promise<AuditOutcome> {
    const path = join(this.target.directory, KEPT_FILE);
    const known = isSuspect ? null : this.readKept(path);
    const kept = known && isRecent(known, now) ? known : null;
    const threads = auditThreads(this.target.address);
    const started = performance.now();
    const report = await auditInstallation(this.db, this.target.keySet, {
      // One: an audit has time, those who are served have not.
      threads: threads && { ...threads, count: 1 },
      ...(kept ? { kept: kept.notes } : {}),
    });
    const seconds = Math.round(performance.now() - started) / 1000;
    if (report.findings.length === 0) writeKeptCheckpoints(path, report, kept ? kept.fullAt : now);
    return this.tell(report, { extent: kept ? 'new' : 'all', seconds });
  }

  /** An unusable file is no reason not to audit: everything is, then. */
  private readKept(path: string): KeptCheckpoints | null {
    try {
      return readKeptCheckpoints(path);
    } catch (error) {
      this.logger.warn(
        { err: error },
        'the checkpoints of the last audit are unusable; everything is audited',
      );
      return null;
    }
  }

  private tell(
    { logs, findings }: AuditReport,
    facts: Pick<AuditOutcome, 'extent' | 'seconds'>,
  ): AuditOutcome {
    const first = findings
      .slice(0, TOLD_FINDINGS)
      .map(({ log, index, field, problem }) => `${field} at ${index ?? '-'} of ${log}: ${problem}`);
    const entries = logs.reduce((sum, log) => sum + Number(log.entries), 0);
    const outcome = { ...facts, entries, findings: findings.length, first };
    if (findings.length > 0) this.logger.error(outcome, 'the audit found that the ledger was changed');
    else this.logger.info(outcome, 'the audit found nothing wrong');
    return outcome;
  }

  private tick(): void {
    this.running = this.serveDue().catch((error: unknown) => {
      this.metrics.failedAudits.inc();
      // The due time stays unserved; the next tick or start takes it along.
      this.logger.error({ err: error }, 'the ledger could not be audited');
      return this.failures.record(this.clock(), error);
    });
  }
}

/** A full audit of a time to come is none. */
function isRecent({ fullAt }: KeptCheckpoints, now: Date): boolean {
  const ageMs = fullAt ? now.getTime() - fullAt.getTime() : Infinity;
  return ageMs >= 0 && ageMs < FULL_EVERY_MS;
}
