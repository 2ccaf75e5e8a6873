/** The ledger under as many single appends as it takes, for a bounded time. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@app/config';
import { auditLedger } from '@app/ledger';
import { connect, migrate, openKysely, ownDatabase } from '@app/persistence';
import { installQueue } from '@app/queue';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';

const INTEGRATION_TIMEOUT_MS = 60_000;

export interface HammerOptions {
  readonly durationMs: number;
  /** Callers that each wait for one acknowledgement before the next append. */
  readonly writers: number;
}

/** Times in milliseconds, of single-commitment requests. */
interface HammerReport {
  readonly writers: number;
  readonly seconds: number;
  readonly appends: number;
  readonly appendsPerSecond: number;
  readonly acknowledgedP50Ms: number;
  readonly acknowledgedP99Ms: number;
  /** From an acknowledgement to the first checkpoint that covers it; of all of them, while the writers went on. */
  readonly integrationLagP50Ms: number;
  readonly integrationLagP99Ms: number;
  /** From the last acknowledgement to a checkpoint that covers everything. */
  readonly lastIntegratedMs: number;
  /** Of the audit afterwards. */
  readonly findings: number;
}

interface Signed {
  readonly treeSize: bigint;
  readonly at: number;
}

/** Appends from many writers for a while, then integrates the rest and audits everything. */
export async function hammer(options: HammerOptions): Promise<HammerReport> {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-hammer-'));
  const server = await ownDatabase(loadConfig({ LACUNA_DATA_DIR: directory }), () => undefined);
  const admin = connect(server.address, { as: 'login', name: 'hammer-migrate', poolSize: 1 });
  const sql = connect(server.address, { as: 'application', name: 'hammer', poolSize: 10 });
  try {
    await migrate(admin, undefined, installQueue);
    return await appendFor(options, openKysely(sql));
  } finally {
    await admin.end({ timeout: 5 });
    await sql.end({ timeout: 5 });
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function appendFor(
  { durationMs, writers }: HammerOptions,
  db: ReturnType<typeof openKysely>,
): Promise<HammerReport> {
  const checkpoints: Signed[] = [];
  const onCheckpoint = (origin: string, treeSize: bigint) => {
    if (origin.endsWith('/commitments')) checkpoints.push({ treeSize, at: performance.now() });
  };
  const ledger = makeTestLedger(db, { onCheckpoint });
  await ledger.service.open();
  const modelId = randomUUID();
  await ledger.service.append(modelOperation(modelId));
  ledger.integrator.start();
  const waits: number[] = [];
  /** When the entry of each leaf index was acknowledged. */
  const acknowledgedAt: number[] = [];
  const started = performance.now();
  const writer = async () => {
    while (performance.now() - started < durationMs) {
      const sent = performance.now();
      const { indexes } = await ledger.service.append(
        requestOperation(modelId, [randomUUID()], randomUUID()),
      );
      const now = performance.now();
      waits.push(now - sent);
      acknowledgedAt[Number(indexes[0])] = now;
      ledger.integrator.wake();
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const ended = performance.now();
  const log = await ledger.service.commitmentLog(modelId);
  await ledger.service.checkpointCovering(log, BigInt(waits.length), INTEGRATION_TIMEOUT_MS);
  const lastIntegratedMs = performance.now() - ended;
  await ledger.integrator.stop();
  const { findings } = await auditLedger(db, { verifierFor: ledger.verifierFor });
  const acknowledged = quantilesOf(waits);
  const lag = quantilesOf(lagsOf(acknowledgedAt, checkpoints));
  const seconds = (ended - started) / 1000;
  return {
    writers,
    seconds,
    appends: waits.length,
    appendsPerSecond: waits.length / seconds,
    acknowledgedP50Ms: acknowledged(0.5),
    acknowledgedP99Ms: acknowledged(0.99),
    integrationLagP50Ms: lag(0.5),
    integrationLagP99Ms: lag(0.99),
    lastIntegratedMs,
    findings: findings.length,
  };
}

/** For each leaf, how long after its acknowledgement the first checkpoint that covers it was signed; often before it. */
function lagsOf(acknowledgedAt: readonly number[], checkpoints: readonly Signed[]): number[] {
  let next = 0;
  return acknowledgedAt.map((at, index) => {
    while (checkpoints[next]!.treeSize <= BigInt(index)) next += 1;
    return Math.max(0, checkpoints[next]!.at - at);
  });
}

function quantilesOf(values: readonly number[]): (share: number) => number {
  const sorted = values.toSorted((one, other) => one - other);
  // A writer always ends with an acknowledgement, so there is one.
  return (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export function formatReport(report: HammerReport): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const rows: readonly (readonly [string, string])[] = [
    ['writers', String(report.writers)],
    ['appends', `${report.appends} in ${report.seconds.toFixed(1)} s`],
    ['appends/s', report.appendsPerSecond.toFixed(0)],
    ['acknowledged, p50', ms(report.acknowledgedP50Ms)],
    ['acknowledged, p99', ms(report.acknowledgedP99Ms)],
    ['integration lag, p50', ms(report.integrationLagP50Ms)],
    ['integration lag, p99', ms(report.integrationLagP99Ms)],
    ['last one integrated', ms(report.lastIntegratedMs)],
    ['audit', report.findings === 0 ? 'clean' : `${report.findings} finding(s)`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(22)} ${value}\n`).join('');
}
