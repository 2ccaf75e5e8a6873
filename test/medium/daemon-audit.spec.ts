/** The scheduled audit of a daemon: once for each due time, from what was kept, and loud when it finds something. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, describe, expect, it } from 'vitest';
import { AuditSchedule } from '../../apps/daemon/src/schedules/audit.schedule.js';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const DAY_MS = 86_400_000;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let now = new Date('2026-11-20T12:00:00Z');
const later = (days: number) => (now = new Date(now.getTime() + days * DAY_MS));

async function withCommitments(): Promise<{
  database: TestDatabase;
  daemon: TestDaemon;
  schedule: AuditSchedule;
}> {
  now = new Date('2026-11-20T12:00:00Z');
  const database = await testDatabase();
  closers.push(() => database.close());
  const daemon = await daemonOn(database);
  const modelId = randomUUID();
  const { sequencer } = makeTestLedger(database.db);
  await sequencer.append(modelOperation(modelId));
  await sequencer.append(requestOperation(modelId, ['a', 'b', 'c']));
  await until(async () =>
    (await daemon.get('nobody', '/metrics').then((answer) => answer.text())).includes(
      'lacuna_uncheckpointed_entries 0\n',
    ),
  );
  return { database, daemon, schedule: scheduleOf(daemon) };
}

/** @param first whose log key it signs with: one installation has one */
async function daemonOn(database: TestDatabase, first?: TestDaemon): Promise<TestDaemon> {
  const settings = { LACUNA_AUDIT_CRON: '30 4 * * *' };
  const key = first && { LACUNA_LOG_KEY: join(first.directory, 'keys', 'log.pem') };
  const daemon = await testDaemon(database, { clock: () => now, settings: { ...settings, ...key } });
  closers.push(() => daemon.close());
  return daemon;
}
const scheduleOf = (daemon: TestDaemon) => daemon.daemon.app.get(AuditSchedule, { strict: false });
const keptFile = (daemon: TestDaemon) => join(daemon.directory, 'audited-checkpoints.json');
const metric = async (daemon: TestDaemon, name: string) => {
  const text = await daemon.get('nobody', '/metrics').then((answer) => answer.text());
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
};

it('audits everything first, then what is new, and everything again after a week', async () => {
  const { database, daemon, schedule } = await withCommitments();
  await expect(schedule.serveDue()).resolves.toBeNull();
  later(1);
  await expect(schedule.serveDue()).resolves.toMatchObject({ extent: 'all', entries: 4, findings: 0 });
  await expect(schedule.serveDue()).resolves.toBeNull();
  later(1);
  await expect(schedule.serveDue()).resolves.toMatchObject({ extent: 'new', entries: 0, findings: 0 });
  expect(await metric(daemon, 'lacuna_audit_findings')).toBe(0);
  expect(await metric(daemon, 'lacuna_audit_timestamp_seconds')).toBe(now.getTime() / 1000);
  writeFileSync(keptFile(daemon), 'nonsense');
  later(1);
  await expect(schedule.serveDue()).resolves.toMatchObject({ extent: 'all', findings: 0 });
  expect(daemon.logLines.some((line) => line.includes('AUDIT_KEPT_UNUSABLE'))).toBe(true);
  later(8);
  await expect(schedule.serveDue()).resolves.toMatchObject({ extent: 'all', findings: 0 });
  const runs = await database.admin`select from lacuna.schedule_run where schedule = 'audit'`;
  expect(runs.length).toBe(5);
});

it('serves a due time by one daemon of several, and one that was missed at the next start', async () => {
  const { database, daemon, schedule } = await withCommitments();
  const second = await daemonOn(database, daemon);
  later(1);
  const answers = await Promise.all([schedule.serveDue(), scheduleOf(second).serveDue()]);
  expect(answers.filter((answer) => answer !== null).length).toBe(1);
  later(3);
  const third = await daemonOn(database, daemon);
  await until(() => Promise.resolve(existsSync(keptFile(third))));
  const { fullAt } = JSON.parse(readFileSync(keptFile(third), 'utf8')) as { fullAt: string };
  expect(fullAt).toBe(now.toISOString());
});

it('is loud about what it finds, in every daemon, until an audit is clean', async () => {
  const { database, daemon, schedule } = await withCommitments();
  later(1);
  await schedule.serveDue();
  const kept = readFileSync(keptFile(daemon), 'utf8');
  const position = (value: string) =>
    database.admin.begin(async (tx) => {
      await tx.unsafe(`set local lacuna.maintenance = 'on'`);
      await tx.unsafe('alter table lacuna.commitment disable trigger refuse_change');
      await tx.unsafe(`update lacuna.commitment set position = ${value} where leaf_index = 1`);
      await tx.unsafe('alter table lacuna.commitment enable always trigger refuse_change');
    });
  await position('9');
  later(8);
  await expect(schedule.serveDue()).resolves.toMatchObject({ extent: 'all', findings: 1 });
  const line = daemon.logLines.find((text) => text.includes('the audit found that the ledger was changed'));
  expect(JSON.parse(line!)).toMatchObject({ level: 'error', findings: 1 });
  expect(line).toContain('commitment.position at 1 of');
  const second = await daemonOn(database, daemon);
  for (const one of [daemon, second]) {
    expect(await metric(one, 'lacuna_audit_findings')).toBe(1);
    const ready = await one.get('nobody', '/readyz');
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain('commitment.position at 1 of');
  }
  expect(readFileSync(keptFile(daemon), 'utf8')).toBe(kept);
  await position('2');
  later(1);
  await expect(schedule.serveDue()).resolves.toMatchObject({ extent: 'all', findings: 0 });
  expect((await daemon.get('nobody', '/readyz')).status).toBe(200);
});

describe('an audit that cannot be carried out', () => {
  const tick = ({ daemon }: TestDaemon) =>
    daemon.app.get(SchedulerRegistry, { strict: false }).getCronJob('audit').fireOnTick();
  const readiness = async (daemon: TestDaemon) => {
    const answer = await daemon.get('nobody', '/readyz');
    const { reasons } = (await answer.json()) as { reasons: string[] };
    return { status: answer.status, reasons };
  };
  const failures = (daemon: TestDaemon) => metric(daemon, 'lacuna_audit_failures_total');
  const told = (code: string) => ({
    status: 503,
    reasons: [expect.stringMatching(`^the ledger could not be audited \\((${code})\\); the log says more$`)],
  });
  const maintain = ({ admin }: TestDatabase, statement: string) =>
    admin.begin(async (tx) => {
      await tx.unsafe(`set local lacuna.maintenance = 'on'`);
      await tx.unsafe(statement);
    });

  it('is loud in every daemon until one is', async () => {
    const { database, daemon, schedule } = await withCommitments();
    expect(await failures(daemon)).toBe(0);
    later(1);
    await maintain(database, 'alter table lacuna.commitment_opening rename to gone');
    await tick(daemon);
    await until(async () => (await failures(daemon)) === 1);
    await maintain(database, 'alter table lacuna.gone rename to commitment_opening');
    const line = daemon.logLines.find((text) => text.includes('the ledger could not be audited'));
    expect(JSON.parse(line!)).toMatchObject({ level: 'error', err: { code: '42P01' } });
    await until(async () => (await readiness(daemon)).status === 503);
    expect(await readiness(daemon)).toMatchObject(told('42P01'));
    const second = await testDaemon(database, { clock: () => now });
    closers.push(() => second.close());
    expect(await readiness(second)).toMatchObject(told('42P01'));
    later(1);
    await expect(schedule.serveDue()).resolves.toMatchObject({ extent: 'all', findings: 0 });
    for (const one of [daemon, second]) expect(await readiness(one)).toMatchObject({ status: 200 });
    expect(await failures(daemon)).toBe(1);
  });

  it('is loud in the daemon that tried where it cannot be recorded', async () => {
    const { database, daemon, schedule } = await withCommitments();
    later(1);
    await maintain(database, 'revoke insert on lacuna.schedule_run from lacuna_app');
    const lock = await database.admin.reserve();
    await lock`begin`;
    await lock`lock table lacuna.commitment_opening in access exclusive mode`;
    await tick(daemon);
    await until(async () => {
      const ended = await database.admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return ended.length > 0;
    });
    await lock`rollback`;
    lock.release();
    await until(async () => (await readiness(daemon)).status === 503);
    expect(await readiness(daemon)).toMatchObject(told('57P01|ECONNRESET|CONNECTION_[A-Z]+'));
    expect(await failures(daemon)).toBe(1);
    expect(daemon.logLines.some((line) => line.includes('could not be recorded'))).toBe(true);
    await maintain(database, 'grant insert on lacuna.schedule_run to lacuna_app');
    await expect(schedule.serveDue()).resolves.toMatchObject({ findings: 0 });
    expect(await readiness(daemon)).toMatchObject({ status: 200 });
  });
});

it('an unusable expression keeps the daemon from starting', async () => {
  const database = await testDatabase();
  closers.push(() => database.close());
  await expect(testDaemon(database, { settings: { LACUNA_AUDIT_CRON: 'often' } })).rejects.toMatchObject({
    code: 'DAEMON_SCHEDULE_INVALID',
    message: expect.stringContaining('LACUNA_AUDIT_CRON') as string,
  });
});
