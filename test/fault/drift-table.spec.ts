/**
 * Every step from the due time of a release behind an endpoint to its new attestation as the last one of daemon and worker.
 * Others start after it, the queue gives the jobs in hand again, and the due time has one check, the difference it found
 * began one generation, every sample of it was counted once, one attestation says so, and the audit is clean.
 */
import { auditInstallation } from '@app/audit';
import { LedgerRepository } from '@app/ledger';
import { createLogger } from '@app/logging';
import type { ModelRuntime } from '@app/inference';
import { Queue } from '@app/queue';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../apps/daemon/src/operations/metrics.js';
import { ReverifySchedule } from '../../apps/daemon/src/schedules/reverify.schedule.js';
import { ScheduleRunRepository } from '../../apps/daemon/src/schedules/schedule-run.repository.js';
import { AttestationRepository } from '../../libs/verification/src/attest/attestation.repository.js';
import { DriftCheckRepository } from '../../libs/verification/src/endpoint/drift-check.repository.js';
import { KnownSignals } from '../../libs/verification/src/endpoint/known-signals.service.js';
import { SignalBlockRepository } from '../../libs/verification/src/live/signal-block.repository.js';
import { ResultRepository } from '../../libs/verification/src/result.repository.js';
import { ScoreBlockRepository } from '../../libs/verification/src/score-block.repository.js';
import { VerificationRepository } from '../../libs/verification/src/verification.repository.js';
import { InjectedCrash, Tripwire } from '../support/fault-tripwire.js';
import type { ServedRelease } from '../support/served-release.js';
import { ALL, DRIFT, NOT_UNLEARNED, runLocally, SAMPLE, ServedReleases } from '../support/served-release.js';
import { openVerification, openWorker, type VerificationBench } from '../support/verification.js';

/** What is durable at a point, each with what is before it. */
type Stage = 'nothing' | 'check asked for' | 'outcome' | 'plan' | 'signals' | 'conclusion' | 'attestation';
interface Case {
  readonly point: string;
  readonly durable: Stage;
}
const at = (durable: Stage, ...points: string[]): Case[] => points.map((point) => ({ point, durable }));

const POINTS: readonly Case[] = [
  ...at('nothing', 'before schedule transaction', 'after lastServed', 'before send verification.drift'),
  ...at('check asked for', 'after send verification.drift', 'before insert run', 'after insert run'),
  ...at(
    'check asked for',
    'after schedule transaction',
    'before draw',
    'after draw',
    'before open',
    'after open',
  ),
  ...at('check asked for', 'before ask', 'after ask', 'before check transaction', 'after lockHeads'),
  ...at('check asked for', 'before insert check', 'after insert check', 'before send verification.plan'),
  ...at('check asked for', 'after send verification.plan', 'before insertGroup', 'after insertGroup'),
  // Recorded and asked for, and the queue was not told that the check is done.
  ...at('outcome', 'after check transaction', 'before insert verification', 'after insert verification'),
  ...at('outcome', 'before send verification.block', 'after send verification.block'),
  ...at('plan', 'before insert signals', 'after insert signals'),
  ...at('signals', 'before insert scores', 'after insert scores'),
  ...at('signals', 'before send verification.conclude', 'after send verification.conclude'),
  ...at('signals', 'before insert outcome', 'after insert outcome'),
  ...at('signals', 'before send verification.attest', 'after send verification.attest'),
  ...at('conclusion', 'before attest', 'before insert attestation', 'after insert attestation'),
  ...at('attestation', 'after attest'),
];

const MODEL = NOT_UNLEARNED;
const CRON = '0 3 * * *';
const DAY_MS = 86_400_000;
const logger = createLogger({ name: 'drift-table', level: 'silent' });

let releases: ServedReleases;
let served: ServedRelease;
let now: Date;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  releases = await ServedReleases.prepare();
});
afterAll(() => releases.close());
beforeEach(async () => {
  now = new Date('2027-01-01T02:00:00Z');
  served = await releases.open();
  await scheduleOf(served.bench).serveDue();
  served.serve(MODEL);
  now = new Date(now.getTime() + DAY_MS);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await served.close();
});

interface Processes {
  readonly schedule: ReverifySchedule;
  /** Does one job of worker or daemon. */
  readonly run: (job: Job) => Promise<void>;
}
type Job = Awaited<ReturnType<VerificationBench['takeJobs']>>[number];

function scheduleOf(bench: VerificationBench, runs = new ScheduleRunRepository(bench.database.db)) {
  const { verifications, reverifications } = bench;
  const config = { LACUNA_REVERIFY_CRON: CRON } as ConstructorParameters<typeof ReverifySchedule>[5];
  const registry = new SchedulerRegistry();
  const clock = () => now;
  return new ReverifySchedule(
    runs,
    verifications,
    reverifications,
    new Metrics(),
    registry,
    config,
    clock,
    logger,
  );
}

/** A daemon and a worker that end at the point. */
async function startDying(tripwire: Tripwire): Promise<Processes> {
  const { database, bench } = served;
  const daemon = await openVerification(database, { keys: bench.keys });
  closers.push(() => daemon.close());
  const worker = await openWorker(database, 'worker-c', {
    models: 3,
    drift: DRIFT,
    openRuntime: async (source) => {
      if (source.declaration.kind === 'onnx') return runLocally(source);
      const opened: { open: () => Promise<ModelRuntime> } = { open: () => runLocally(source) };
      tripwire.arm(opened, { open: 'open' });
      const runtime = await opened.open();
      tripwire.arm(runtime, { signals: 'ask' });
      return runtime;
    },
  });
  closers.push(() => worker.close());
  const runs = new ScheduleRunRepository(database.db);
  tripwire.arm(runs, { exclusively: 'schedule transaction', lastServed: 'lastServed', insert: 'insert run' });
  for (const { app } of [daemon, worker]) {
    tripwire.arm(app.get(Queue, { strict: false }), { send: (_tx, name) => `send ${String(name)}` });
    tripwire.arm(app.get(VerificationRepository, { strict: false }), { insert: 'insert verification' });
  }
  const ofWorker = worker.app.get(LedgerRepository, { strict: false });
  tripwire.armTransactions(ofWorker, 'check');
  tripwire.arm(ofWorker, { lockHeads: 'lockHeads', insertGroup: 'insertGroup' });
  tripwire.arm(daemon.issuer, { issue: 'attest' });
  tripwire.arm(daemon.app.get(AttestationRepository, { strict: false }), { insert: 'insert attestation' });
  tripwire.arm(worker.app.get(KnownSignals, { strict: false }), { draw: 'draw' });
  tripwire.arm(worker.app.get(DriftCheckRepository, { strict: false }), { insert: 'insert check' });
  tripwire.arm(worker.app.get(SignalBlockRepository, { strict: false }), { insert: 'insert signals' });
  tripwire.arm(worker.app.get(ScoreBlockRepository, { strict: false }), { insert: 'insert scores' });
  tripwire.arm(worker.app.get(ResultRepository, { strict: false }), { insertOutcome: 'insert outcome' });
  return { schedule: scheduleOf(daemon, runs), run: runnerOf(daemon, worker) };
}

function runnerOf({ issuer }: VerificationBench, worker: ServedRelease['worker']): Processes['run'] {
  return ({ name, data, ...job }) =>
    name === 'verification.attest' && 'verificationId' in data
      ? issuer.issue(data.verificationId)
      : worker.run({ name, data, ...job });
}

/** Serves what is due and does all that is asked for; a job that fails, and those after it, are given again as the queue does. */
async function work({ schedule, run }: Processes): Promise<void> {
  await schedule.serveDue();
  for (let jobs = await served.bench.takeJobs(); jobs.length > 0; jobs = await served.bench.takeJobs()) {
    for (const [place, job] of jobs.entries()) {
      await run(job).catch(async (error: unknown) => {
        const ids = jobs.slice(place).map(({ id }) => id);
        await served.database
          .admin`update pgboss.job set state = 'created', completed_on = null where id = any (${ids})`;
        throw error;
      });
    }
  }
}

/** What a look into the database says was done about the due time. */
async function durable(attestedBefore: number): Promise<Stage> {
  const { admin } = served.database;
  if ((await served.attestations()).length > attestedBefore) return 'attestation';
  const { generation, result, progress } = await served.newest();
  if (generation === 1 && result !== null) return 'conclusion';
  if (generation === 1) return progress.targetPasses > 0n ? 'signals' : 'plan';
  if ((await served.checks()).length > 0) return 'outcome';
  const asked = await admin`select from pgboss.job where name = 'verification.drift'`;
  return asked.length > 0 ? 'check asked for' : 'nothing';
}

async function expectCleanAudit(): Promise<void> {
  const { database, bench } = served;
  const { findings } = await auditInstallation(database.db, bench.keySet);
  expect(findings).toEqual([]);
}

describe('daemon and worker that end while an endpoint is checked', () => {
  it.each(POINTS)('$point (durable: $durable)', async ({ point, durable: stage }) => {
    const before = await served.attestations();
    const tripwire = new Tripwire(point);
    await expect(work(await startDying(tripwire))).rejects.toBeInstanceOf(InjectedCrash);
    expect(tripwire.fired).toBe(true);
    expect(await durable(before.length)).toBe(stage);

    const { bench, worker } = served;
    const next = { schedule: scheduleOf(bench), run: runnerOf(bench, worker) };
    await bench.verifications.resumeUnfinished();
    await work(next);
    await expectCheckedOnce(before.length);
    await expectCleanAudit();

    now = new Date(now.getTime() + DAY_MS);
    await work(next);
    expect((await served.checks()).map(({ outcome, generation }) => [outcome, generation])).toEqual([
      ['SAME', 1],
      ['DIFFERENT', 0],
    ]);
    expect(await served.attestations()).toHaveLength(before.length + 2);
  });
});

async function expectCheckedOnce(attestedBefore: number): Promise<void> {
  const checks = await served.checks();
  expect(checks).toMatchObject([
    { outcome: 'DIFFERENT', generation: 0, sampled: SAMPLE, dueAt: new Date('2027-01-01T03:00:00Z') },
  ]);
  expect(await served.newest()).toMatchObject({
    result: 'FAILED',
    generation: 1,
    progress: { status: 'ATTESTED', targetPasses: BigInt(ALL), referencePasses: 0n },
  });
  expect(await served.attestations()).toHaveLength(attestedBefore + 1);
  const { warnings } = await served.stated();
  expect(warnings.join('\n')).toContain(`on ${checks[0]!.checkedAt.toISOString()}`);
}
