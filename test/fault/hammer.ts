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

const APPENDERS = 64;
const INTEGRATION_TIMEOUT_MS = 60_000;

interface HammerReport {
  readonly appends: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From the last acknowledgement to a checkpoint that covers everything. */
  readonly integrationLagMs: number;
  readonly findings: number;
}

/** Appends single-commitment requests from 64 callers for `durationMs`, then integrates and audits the rest. */
export async function hammer(durationMs: number): Promise<HammerReport> {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-hammer-'));
  const server = await ownDatabase(loadConfig({ LACUNA_DATA_DIR: directory }), () => undefined);
  const admin = connect(server.address, { as: 'login', name: 'hammer-migrate', poolSize: 1 });
  const sql = connect(server.address, { as: 'application', name: 'hammer', poolSize: 10 });
  try {
    await migrate(admin, undefined, installQueue);
    return await appendFor(durationMs, openKysely(sql));
  } finally {
    await admin.end({ timeout: 5 });
    await sql.end({ timeout: 5 });
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function appendFor(durationMs: number, db: ReturnType<typeof openKysely>): Promise<HammerReport> {
  const ledger = makeTestLedger(db);
  await ledger.service.open();
  const modelId = randomUUID();
  await ledger.service.append(modelOperation(modelId));
  ledger.integrator.start();
  const waits: number[] = [];
  const started = performance.now();
  const appender = async () => {
    while (performance.now() - started < durationMs) {
      const sent = performance.now();
      await ledger.service.append(requestOperation(modelId, [randomUUID()], randomUUID()));
      waits.push(performance.now() - sent);
      ledger.integrator.wake();
    }
  };
  await Promise.all(Array.from({ length: APPENDERS }, appender));
  const ended = performance.now();
  const log = await ledger.service.commitmentLog(modelId);
  await ledger.service.checkpointCovering(log, BigInt(waits.length), INTEGRATION_TIMEOUT_MS);
  const integrationLagMs = performance.now() - ended;
  await ledger.integrator.stop();
  const { findings } = await auditLedger(db, { verifierFor: ledger.verifierFor });
  waits.sort((a, b) => a - b);
  const quantile = (q: number) => waits[Math.min(waits.length - 1, Math.floor(q * waits.length))] ?? NaN;
  return {
    appends: waits.length,
    seconds: (ended - started) / 1000,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    integrationLagMs,
    findings: findings.length,
  };
}

export function formatReport(report: HammerReport): string {
  const { appends, seconds, p50Ms, p99Ms, integrationLagMs, findings } = report;
  const rows: readonly (readonly [string, string])[] = [
    ['appenders', String(APPENDERS)],
    ['appends', `${appends} in ${seconds.toFixed(1)} s`],
    ['appends/s', (appends / seconds).toFixed(0)],
    ['acknowledged, p50', `${p50Ms.toFixed(1)} ms`],
    ['acknowledged, p99', `${p99Ms.toFixed(1)} ms`],
    ['integration lag', `${integrationLagMs.toFixed(0)} ms`],
    ['audit', findings === 0 ? 'clean' : `${findings} finding(s)`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(20)} ${value}\n`).join('');
}
