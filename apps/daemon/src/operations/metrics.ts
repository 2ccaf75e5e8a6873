/** What /metrics reports: counters are moved where things happen, gauges are read when asked. */
import { CodedError } from '@app/errors';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Reads the present values of gauges just before they are reported. */
export type Gauges = () => Promise<{
  readonly queueDepths: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  readonly uncheckpointedEntries: number;
  readonly withheldCheckpoints: number;
  readonly refusedLogs: number;
  readonly lastAudit: { readonly ranAt: Date; readonly outcome: { readonly findings: number } } | null;
  readonly verifications: Readonly<Record<string, number>>;
  readonly driftChecks: Readonly<Record<string, number>>;
}>;

export class Metrics {
  readonly registry = new Registry();
  readonly httpSeconds = new Histogram({
    name: 'lacuna_http_request_seconds',
    help: 'Time to answer an HTTP request, by route and status.',
    labelNames: ['method', 'route', 'status'],
    // From a cached read to a bulk upload.
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [this.registry],
  });
  readonly graphqlErrors = new Counter({
    name: 'lacuna_graphql_errors_total',
    help: 'GraphQL errors answered, by code.',
    labelNames: ['code'],
    registers: [this.registry],
  });
  readonly graphqlOperations = new Counter({
    name: 'lacuna_graphql_operations_total',
    help: 'GraphQL operations executed, by kind.',
    labelNames: ['kind'],
    registers: [this.registry],
  });
  readonly queueDepth = this.gauge('lacuna_queue_depth', 'Jobs waiting or running, by queue.', ['queue']);
  readonly deadLetters = this.gauge('lacuna_dead_letters', 'Jobs that no further try could help.', []);
  readonly verifications = this.gauge('lacuna_verifications', 'Concluded verifications, by result.', [
    'result',
  ]);
  readonly uncheckpointed = this.gauge(
    'lacuna_uncheckpointed_entries',
    'Entries acknowledged and not yet under a published checkpoint.',
    [],
  );
  readonly withheld = this.gauge(
    'lacuna_withheld_checkpoints',
    'Logs whose latest checkpoint is not published because too few witnesses cosigned it.',
    [],
  );
  readonly refused = this.gauge(
    'lacuna_refused_logs',
    'Logs that are not signed because the database contradicts what was signed before: rolled back or forked.',
    [],
  );
  readonly auditFindings = this.gauge(
    'lacuna_audit_findings',
    'Problems that the last scheduled audit found; anything above 0 means that the ledger was changed.',
    [],
  );
  readonly auditTime = this.gauge(
    'lacuna_audit_timestamp_seconds',
    'When the last scheduled audit began, in seconds since 1970; 0 before the first.',
    [],
  );
  readonly failedAudits = new Counter({
    name: 'lacuna_audit_failures_total',
    help: 'Scheduled audits that this daemon could not carry out.',
    registers: [this.registry],
  });
  readonly reverifications = new Counter({
    name: 'lacuna_reverifications_total',
    help: 'Current releases that the schedule looked at: unchanged, or why they were verified again.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  /** Counted in the database, where workers record them. */
  readonly driftChecks = new Counter({
    name: 'lacuna_drift_checks_total',
    help: 'Drift checks of releases behind endpoints, by outcome: SAME, DIFFERENT, UNREACHABLE.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly witnessFailures = new Counter({
    name: 'lacuna_witness_failures_total',
    help: 'Witnesses that did not cosign when asked, by name and reason.',
    labelNames: ['witness', 'code'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** The exposition text, its gauges read by `gauges`. */
  async report(gauges: Gauges): Promise<string> {
    const now = await gauges();
    this.deadLetters.set(now.deadLetters);
    this.uncheckpointed.set(now.uncheckpointedEntries);
    this.withheld.set(now.withheldCheckpoints);
    this.refused.set(now.refusedLogs);
    this.auditFindings.set(now.lastAudit?.outcome.findings ?? 0);
    this.auditTime.set((now.lastAudit?.ranAt.getTime() ?? 0) / 1000);
    for (const [queue, depth] of Object.entries(now.queueDepths)) this.queueDepth.set({ queue }, depth);
    this.driftChecks.reset();
    for (const [outcome, count] of Object.entries(now.driftChecks)) this.driftChecks.inc({ outcome }, count);
    for (const [result, count] of Object.entries(now.verifications))
      this.verifications.set({ result }, count);
    return this.registry.metrics();
  }

  countWitnessFailure(witness: string, error: unknown): void {
    const code = error instanceof CodedError ? String(error.code) : 'INTERNAL';
    this.witnessFailures.inc({ witness, code });
  }

  private gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
