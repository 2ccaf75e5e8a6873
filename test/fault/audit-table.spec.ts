/**
 * Every step of a scheduled audit as the last one of a daemon. The due time stays unserved until an audit of it is durable;
 * the next daemon serves it at its start, from the checkpoints that were kept, and there is one run for each due time.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AuditSchedule } from '../../apps/daemon/src/schedules/audit.schedule.js';
import { ScheduleRunRepository } from '../../apps/daemon/src/schedules/schedule-run.repository.js';
import { InjectedCrash, Tripwire } from '../support/fault-tripwire.js';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const DAY_MS = 86_400_000;
const ENTRIES = 4;

interface Case {
  readonly point: string;
  /** Whether the run is recorded after the crash. */
  readonly persisted: boolean;
  /** Whether the audit's checkpoints are kept after the crash. */
  readonly kept: boolean;
}

const AUDIT: readonly Case[] = [
  { point: 'before audit transaction', persisted: false, kept: false },
  { point: 'before lastServed', persisted: false, kept: false },
  { point: 'after lastServed', persisted: false, kept: false },
  { point: 'after latest', persisted: false, kept: false },
  // Audited, and nobody was told.
  { point: 'before insert run', persisted: false, kept: true },
  { point: 'after insert run', persisted: false, kept: true },
  { point: 'after audit transaction', persisted: true, kept: true },
];

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

let now: Date;

/** A daemon of the installation in `directory`; its first look at what is due is over. */
async function startDaemon(database: TestDatabase, directory: string): Promise<TestDaemon> {
  const daemon = await testDaemon(database, {
    clock: () => now,
    settings: {
      LACUNA_DATA_DIR: directory,
      LACUNA_AUDIT_CRON: '30 4 * * *',
    },
  });
  let open = true;
  const close = async () => {
    if (open) await daemon.close();
    open = false;
  };
  closers.push(close);
  return { ...daemon, close };
}

const scheduleOf = ({ daemon }: TestDaemon) => daemon.app.get(AuditSchedule, { strict: false });

async function runs({ admin }: TestDatabase): Promise<readonly Record<string, unknown>[]> {
  const rows = await admin<{ summary: Record<string, unknown> }[]>`
    select summary from lacuna.schedule_run where schedule = 'audit' order by due_at`;
  return rows.map(({ summary }) => summary);
}

/** An installation that was made yesterday, with four entries that nobody audited. */
async function dueToday() {
  now = new Date('2026-11-20T12:00:00Z');
  const database = await testDatabase();
  closers.push(() => database.close());
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-audited-'));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const daemon = await startDaemon(database, directory);
  const modelId = randomUUID();
  const { sequencer } = makeTestLedger(database.db);
  await sequencer.append(modelOperation(modelId));
  await sequencer.append(requestOperation(modelId, ['a', 'b', 'c']));
  const metrics = () => daemon.get('nobody', '/metrics').then((answer) => answer.text());
  await until(async () => (await metrics()).includes('lacuna_uncheckpointed_entries 0\n'));
  await until(async () => (await runs(database)).length === 1);
  now = new Date(now.getTime() + DAY_MS);
  return { database, directory, daemon };
}

describe('a daemon that ends while it audits', () => {
  it.each(AUDIT)('$point (persisted: $persisted)', async ({ point, persisted, kept }) => {
    const { database, directory, daemon } = await dueToday();
    const keptFile = join(directory, 'audited-checkpoints.json');
    const tripwire = new Tripwire(point);
    tripwire.arm(daemon.daemon.app.get(ScheduleRunRepository, { strict: false }), {
      unlessRunning: 'audit transaction',
      lastServed: 'lastServed',
      latest: 'latest',
      insert: 'insert run',
    });
    await expect(scheduleOf(daemon).serveDue()).rejects.toBeInstanceOf(InjectedCrash);
    expect(tripwire.fired).toBe(true);
    await daemon.close();
    expect((await runs(database)).length).toBe(persisted ? 2 : 1);
    expect(existsSync(keptFile)).toBe(kept);
    // A death while the file is written leaves half a draft beside it.
    writeFileSync(`${keptFile}.draft`, '{"version":1,');

    const next = await startDaemon(database, directory);
    await until(async () => (await runs(database)).length === 2);
    const extent = kept && !persisted ? 'new' : 'all';
    const entries = extent === 'new' ? 0 : ENTRIES;
    expect((await runs(database))[1]).toMatchObject({ extent, entries, findings: 0 });
    expect(await scheduleOf(next).serveDue()).toBeNull();
    now = new Date(now.getTime() + DAY_MS);
    expect(await scheduleOf(next).serveDue()).toMatchObject({ extent: 'new', entries: 0, findings: 0 });
    expect((await next.get('nobody', '/readyz')).status).toBe(200);
    expect((await runs(database)).length).toBe(3);
  });
});
