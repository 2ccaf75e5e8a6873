/** Whether this daemon can do its work now, and if not, why not. Nothing here is a secret. */
import { Inject, Injectable } from '@nestjs/common';
import { CodedError } from '@app/errors';
import {
  CLOCK,
  type Clock,
  Integrator,
  LedgerService,
  type PublicationProblem,
  Publisher,
} from '@app/ledger';
import { AuditFailures } from '../schedules/audit-failures.js';
import { AUDIT_SCHEDULE, type AuditOutcome, parseOutcome } from '../schedules/audit-outcome.js';
import { ScheduleRunRepository } from '../schedules/schedule-run.repository.js';
import { checkSchema, SQL, type Sql } from '@app/persistence';

/** Entries older than this without a checkpoint mean that the integrator stands still. */
const LONGEST_LAG_MS = 30_000;
/** A probe that waits longer is taken for a failure by whoever asks. */
const DATABASE_PATIENCE_MS = 3_000;

export interface ReadinessReport {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

@Injectable()
export class Readiness {
  /** Set when the daemon begins to stop, so that load balancers turn away first. */
  stopping = false;
  /** Since when each log waits for a checkpoint. */
  private readonly waitingSince = new Map<number, number>();

  constructor(
    @Inject(SQL) private readonly sql: Sql,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly publisher: Publisher,
    private readonly integrator: Integrator,
    private readonly runs: ScheduleRunRepository,
    private readonly auditFailures: AuditFailures,
  ) {}

  async report(): Promise<ReadinessReport> {
    if (this.stopping) return { ready: false, reasons: ['stopping'] };
    const reasons = await withDeadline(this.findReasons());
    return { ready: reasons.length === 0, reasons };
  }

  /** Logs whose latest checkpoint waits for witnesses, as of the publisher's last round. */
  withheldCheckpoints(): number {
    return this.publisher.problems().length;
  }

  /** Logs that are not signed because the database contradicts what was signed before. */
  refusedLogs(): number {
    return this.integrator.problems().length;
  }

  /** Acknowledged entries of all logs that no published checkpoint covers yet. */
  async uncheckpointedEntries(): Promise<number> {
    const logs = await this.ledger.logs();
    const waiting = await Promise.all(logs.map((log) => this.waiting(log)));
    return waiting.reduce((sum, count) => sum + Number(count), 0);
  }

  private async findReasons(): Promise<string[]> {
    try {
      await checkSchema(this.sql);
      return [
        ...this.integrator.problems().map(({ code, message }) => `not signing, ${code}: ${message}`),
        ...this.publisher.problems().map(withheldReason),
        ...(await this.auditReasons()),
        ...(await this.lagging()),
      ];
    } catch (error) {
      return [error instanceof CodedError ? String(error.code) : 'the database does not answer'];
    }
  }

  /** What the last scheduled audit found, whichever daemon ran it; null before the first. */
  async lastAudit(): Promise<{ ranAt: Date; outcome: AuditOutcome } | null> {
    const run = await this.runs.latest(AUDIT_SCHEDULE);
    const outcome = parseOutcome(run?.summary);
    return run && outcome ? { ranAt: run.ranAt, outcome } : null;
  }

  private async auditReasons(): Promise<string[]> {
    const { outcome, ranAt } = (await this.lastAudit()) ?? {};
    const failure = await this.auditFailures.unresolved(ranAt ?? null);
    const reasons =
      failure === null ? [] : [`the ledger could not be audited (${failure}); the log says more`];
    if (!outcome || outcome.findings === 0) return reasons;
    const first = outcome.first[0] ?? 'unknown';
    return [...reasons, `the last audit found ${outcome.findings} problem(s), first ${first}`];
  }

  private async lagging(): Promise<string[]> {
    const now = this.clock().getTime();
    const reasons: string[] = [];
    for (const log of await this.ledger.logs()) {
      if ((await this.waiting(log)) === 0n) {
        this.waitingSince.delete(log.logId);
        continue;
      }
      const since = this.waitingSince.get(log.logId) ?? now;
      this.waitingSince.set(log.logId, since);
      if (now - since > LONGEST_LAG_MS) reasons.push(`no new checkpoint of ${log.origin}`);
    }
    return reasons;
  }

  private async waiting(log: Parameters<LedgerService['checkpoint']>[0]): Promise<bigint> {
    const covered = (await this.ledger.checkpoint(log))?.treeSize ?? 0n;
    const next = await this.ledger.nextIndex(log.logId);
    return next > covered ? next - covered : 0n;
  }
}

async function withDeadline(work: Promise<string[]>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve(['the database does not answer in time']), DATABASE_PATIENCE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function withheldReason({ origin, treeSize, witnesses }: PublicationProblem): string {
  const reasons = witnesses.map(({ message }) => message);
  return `the checkpoint of ${origin} at ${treeSize} lacks its witness quorum: ${reasons.join('; ') || 'no answer yet'}`;
}
