/**
 * SIGKILL while a release behind an endpoint is checked and measured anew: the schedule of a built daemon is due every few
 * seconds, two built workers check, and the model behind the endpoint is exchanged in each case. First at named points, at
 * which whoever comes there is held until it is dead, then at random moments. Each exchange must begin one generation whose
 * signals are, byte for byte and counted once, those that the same model always gives; and in the end each due time must
 * have its check, each attestation a check before it, and the audit nothing to find.
 *   DRIFT_ROUNDS=20 FAULT_SEED=7 npm run test:fault -- drift-crash
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mintLocalToken } from '@app/access';
import type { KeySet } from '@app/attestation';
import { connect, type Sql } from '@app/persistence';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../libs/iam/src/random.js';
import { releaseSource } from '../../libs/verification/src/live/signal-source.js';
import type { EndpointServer } from '../support/endpoint-server.js';
import {
  AttestationReader,
  expectCleanAudit,
  fetchKeySet,
  verificationsFinished,
} from '../support/fault-checks.js';
import { FaultClient } from '../support/fault-client.js';
import { faultDirectory } from '../support/fault-directory.js';
import { type Hold, holdEndpoint, holdReport, holdTable } from '../support/fault-holds.js';
import { LiveWorkload } from '../support/fault-live.js';
import { killProcess, postmasterPid } from '../support/fault-postgres.js';
import { FaultProcess } from '../support/fault-process.js';
import { FEATURES } from '../support/live.js';
import { denseClassifier } from '../support/models/classifier.js';
import { openInferenceServer, type ServedClassifier } from '../support/open-inference-server.js';
import { until } from '../support/until.js';

const ROUNDS = Number(
  process.env['DRIFT_ROUNDS'] ?? Math.ceil(Number(process.env['FAULT_ROUNDS'] ?? 25) / 5),
);
const SEED = process.env['FAULT_SEED'] ?? String(randomInt(1_000_000));
const COMMITMENTS = 100;
/** With the calibration set and the controls of the workload. */
const ALL = COMMITMENTS + 180;
const SAMPLE = 16;
const PERIOD_SECONDS = 4;
/** From a due time to the attestation of a new generation, about. */
const CHECK_MS = 2_000;
/** A killed worker's lease runs for half a minute, and for some of its jobs a minute. */
const SETTLE_MS = 180_000;

/** The same model always gives the same signals: even generations are of the first one. */
const MODELS = [1, 2].map((seed) => denseClassifier(10 + seed, [FEATURES, 4]));

const directory = faultDirectory('lacuna-drift-crash-');
const served: { m: ServedClassifier } = { m: { classifier: MODELS[0]! } };
const server: EndpointServer = openInferenceServer(served);
const random = new SeededRandom(SEED);
let daemon: FaultProcess;
let workers: Record<'worker-a' | 'worker-b', FaultProcess>;
let processes: FaultProcess[];
let client: FaultClient;
let workload: LiveWorkload;
let keySet: KeySet;
let sql: Sql;
/** As the login role: the application may neither lock tables nor see what others wait for. */
let onlooker: Sql;
let release: { readonly releaseId: string; readonly artifactDigest: string };
/** How often the model was exchanged. */
let generation = 0;
/** Signals of the first two generations. */
const expected: (readonly string[])[] = [];

const environment = (cron: string) => ({
  LACUNA_LEDGER_NAME: 'drift.test',
  LACUNA_REVERIFY_CRON: cron,
  LACUNA_AUDIT_CRON: 'off',
  LACUNA_ENDPOINT_HOSTS: server.host,
  LACUNA_DRIFT_SAMPLE: String(SAMPLE),
});

beforeAll(async () => {
  process.stdout.write(`drift crash test: ${ROUNDS} rounds, seed ${SEED}, ${directory}\n`);
  await server.listen();
  const settings = environment(`*/${PERIOD_SECONDS} * * * * *`);
  daemon = new FaultProcess('daemon', 'daemon', directory, settings);
  workers = {
    'worker-a': new FaultProcess('worker', 'worker-a', directory, settings),
    'worker-b': new FaultProcess('worker', 'worker-b', directory, settings),
  };
  processes = [daemon, ...Object.values(workers)];
  for (const one of processes) one.start();
  for (const one of processes) await one.ready();
  const subject = { subject: 'drift crash', ttlSeconds: 24 * 3600, now: new Date() };
  const token = await mintLocalToken({ directory, roles: ['platform', 'auditor'], ...subject });
  client = new FaultClient({ url: () => daemon.url, token });
  workload = new LiveWorkload(() => client, COMMITMENTS);
  await workload.prepare();
  keySet = await fetchKeySet(client);
  const socket = join(directory, 'postgres', 'socket');
  const address = { kind: 'socket', directory: socket, database: 'lacuna' } as const;
  sql = connect(address, { as: 'application', name: 'drift-crash-test', poolSize: 2 });
  onlooker = connect(address, { as: 'login', name: 'drift-onlooker', poolSize: 3 });
  release = await releasedBeforeDueTime();
  expected.push(await settled());
  exchange();
  expected.push(await settled());
});

/** A due time comes before the release's first verification is planned: its job finds nothing to check. */
async function releasedBeforeDueTime(): Promise<typeof release> {
  const { letGo } = await holdTable(onlooker, 'lacuna-worker', 'verification');
  const released = await workload.releaseBehind({
    kind: 'open-inference',
    url: server.url,
    model: 'm',
    outputForm: 'logits',
  });
  await until(async () => {
    const jobs = await onlooker`select from pgboss.job
      where name = 'verification.drift' and state = 'completed' and data->>'releaseId' = ${released.releaseId}`;
    return jobs.length > 0;
  });
  await letGo();
  return released;
}

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await onlooker?.end({ timeout: 5 });
  for (const one of processes.toReversed()) await one.stop();
  await server.close();
  killProcess(postmasterPid(directory));
});

function exchange(): void {
  generation += 1;
  served.m = { classifier: MODELS[generation % 2]! };
}

/** Waits until the present generation is attested. @returns its signals, subject by subject */
async function settled(): Promise<readonly string[]> {
  await until(() => isAttested().catch(() => false), SETTLE_MS);
  const { sourceDigest } = releaseSource({ ...release, runtime: 'open-inference' }, generation);
  const blocks = await sql<{ subject_id: string; values: Uint8Array; forward_passes: number }[]>`
    select subject_id, values, forward_passes from signal_block
    where source_digest = ${Buffer.from(sourceDigest, 'hex')} order by subject_id, block_index, width`;
  const [counted] = await sql<{ passes: number }[]>`select sum(target_passes)::int as passes
    from verification join verification_progress using (verification_id)
    where release_id = ${release.releaseId} and generation = ${generation}`;
  expect(blocks.reduce((sum, block) => sum + block.forward_passes, 0)).toBe(ALL);
  expect(counted!.passes).toBe(ALL);
  return blocks.map((block) => `${block.subject_id} ${Buffer.from(block.values).toString('hex')}`);
}

async function isAttested(): Promise<boolean> {
  const rows = await sql`select from verification join verification_progress using (verification_id)
    where release_id = ${release.releaseId} and generation = ${generation} and status = 'ATTESTED'`;
  return rows.length > 0;
}

async function expectSettled(): Promise<void> {
  const signals = await settled();
  expect(processes.flatMap((one) => one.deaths)).toEqual([]);
  expect(signals.length).toBe(3);
  expect(signals.findIndex((block, i) => block !== expected[generation % 2]![i])).toBe(-1);
  const ends = await sql<{ generation: number }[]>`
    select generation from drift_check where outcome = 'DIFFERENT' order by generation`;
  expect(ends.map((end) => end.generation)).toEqual(Array.from({ length: generation }, (_, i) => i));
}

type Victim = keyof typeof workers | 'daemon' | 'postmaster';

function kill(victim: Victim): void {
  if (victim === 'daemon') daemon.kill();
  else if (victim === 'postmaster') killProcess(postmasterPid(directory));
  else workers[victim].kill();
}

async function restartKilled(): Promise<void> {
  for (const one of processes) if (one.wasKilled) await one.restart();
  for (const one of processes) await one.ready();
}

const WORKERS = ['worker-a', 'worker-b'] as const;
const held = (app: 'daemon' | 'worker', table: string) => () => holdTable(onlooker, `lacuna-${app}`, table);

/** Where whoever comes is held, and who is killed there. */
const POINTS: readonly (readonly [string, () => Hold | Promise<Hold>, readonly Victim[]])[] = [
  ['check asked for, due time not yet served', held('daemon', 'schedule_run'), ['daemon']],
  ['endpoint asked for the sample', () => holdEndpoint(server, (rows) => rows <= SAMPLE), WORKERS],
  ['sample measured, outcome not yet recorded', held('worker', 'drift_check'), WORKERS],
  [
    'outcome recorded, queue not yet told',
    () => holdReport(onlooker, 'lacuna-worker', 'verification.drift', server),
    WORKERS,
  ],
  ['check done, verification not yet planned', held('worker', 'verification'), WORKERS],
  ['endpoint asked for the new generation', () => holdEndpoint(server, (rows) => rows > SAMPLE), WORKERS],
  ['new signals there, not yet kept', held('worker', 'signal_block'), WORKERS],
  ['new signals kept, not yet scored', held('worker', 'score_block'), WORKERS],
  ['scored, not yet concluded', held('worker', 'verification_outcome'), WORKERS],
  ['concluded, not yet attested', held('daemon', 'attestation'), ['daemon']],
];

/** Nobody has the jobs of the dead: their leases need not be waited for. */
async function endLeases(ofDaemon: boolean): Promise<void> {
  await onlooker`update pgboss.job set started_on = started_on - interval '10 minutes'
    where state = 'active' and (name = 'verification.attest') = ${ofDaemon}`;
}

describe.sequential('SIGKILL at', () => {
  test.each(POINTS)('%s', async (_point, hold, victims) => {
    const { reached, letGo } = await hold();
    exchange();
    await until(reached);
    for (const victim of victims) kill(victim);
    await until(() => processes.every((one) => !one.wasKilled || !one.alive));
    await letGo();
    await endLeases(victims.includes('daemon'));
    await restartKilled();
    await expectSettled();
  });
});

const COMBINATIONS: readonly (readonly Victim[])[] = [
  ['worker-a'],
  ['worker-b'],
  WORKERS,
  ['daemon'],
  ['postmaster'],
  ['worker-a', 'postmaster'],
  ['daemon', 'worker-b'],
  ['worker-a', 'worker-b', 'daemon', 'postmaster'],
];

describe.sequential('SIGKILL at a random moment', () => {
  for (let round = 1; round <= ROUNDS; round += 1) {
    test(`round ${round}`, { timeout: 2 * SETTLE_MS }, async () => {
      const victims = COMBINATIONS[random.nextBelow(COMBINATIONS.length)]!;
      const momentMs = random.nextBelow(PERIOD_SECONDS * 1000 + CHECK_MS);
      exchange();
      // The moment of the kill, not a wait for something.
      await delay(momentMs);
      for (const victim of victims) kill(victim);
      await restartKilled();
      await expectSettled();
      process.stdout.write(`round ${round}: ${victims.join(' + ')} after ${momentMs} ms\n`);
    });
  }
});

describe.sequential('when the schedule has ended', () => {
  beforeAll(async () => {
    await daemon.stop();
    daemon = new FaultProcess('daemon', 'daemon-at-rest', directory, environment('off'));
    processes = [daemon, ...Object.values(workers)];
    daemon.start();
    await daemon.ready();
    await verificationsFinished(sql, SETTLE_MS);
  });

  /** Drift jobs that ran while the generation had no signal yet: there was nothing to check. */
  const jobsWithoutSignals = () => onlooker`
    select job.id, job.data from pgboss.job
    join (
      select coalesce(checked_at, '-infinity') as since, (
        select min(computed_at) from lacuna.signal_block where source_digest = sha256(convert_to(
          format('endpoint %s %s %s', ${release.artifactDigest}::text, ${release.releaseId}::text, n), 'UTF8'))
      ) as measured from generate_series(0, ${generation}::int) n
      left join lacuna.drift_check on generation = n - 1 and outcome = 'DIFFERENT'
    ) unknown on job.completed_on > since and job.created_on < measured
    where job.name = 'verification.drift' and job.state = 'completed'`;

  test('each due time has one check, or came while nothing was known', async () => {
    const unchecked = await onlooker`
      with asked as (
        select due_at from lacuna.schedule_run
          where schedule = 'reverify' and summary <> '{"began": true}' and not summary ? 'unchanged' and summary <> '{}'
        union select (data->>'dueAt')::timestamptz from pgboss.job where name = 'verification.drift'
      )
      select due_at from asked
      where not exists (select from lacuna.drift_check where drift_check.due_at = asked.due_at)
        and not exists (select from (${jobsWithoutSignals()}) job where (data->>'dueAt')::timestamptz = asked.due_at)`;
    expect([...unchecked]).toEqual([]);
    const doubled = await onlooker`select due_at from lacuna.drift_check group by due_at having count(*) > 1`;
    expect([...doubled]).toEqual([]);
    const dead = await onlooker`select name, data from pgboss.job where name = 'verification.dead'`;
    expect([...dead]).toEqual([]);
  });

  test('no attestation skips its check, where there was something to check', async () => {
    const unchecked = await onlooker<{ verification_id: string }[]>`
      select v.verification_id from lacuna.attestation
      join lacuna.verification v using (verification_id) where v.cause = 'schedule' and not exists (
        select from lacuna.drift_check c where c.release_id = v.release_id and c.checked_at <= v.requested_at
          and (c.outcome, c.generation) in (('SAME', v.generation), ('DIFFERENT', v.generation - 1)))`;
    const excused = await onlooker<{ id: string }[]>`${jobsWithoutSignals()}`;
    const skipped = unchecked.filter(
      ({ verification_id }) => !excused.some(({ id }) => id === verification_id),
    );
    // Of the due time before the first signals.
    expect(unchecked.length).toBeGreaterThan(0);
    expect([...skipped]).toEqual([]);
    const reader = new AttestationReader(client, workload.modelId, keySet);
    await reader.verifyNew();
    expect(reader.verified).toBeGreaterThan(generation);
  });

  test('the audit finds nothing', () => expectCleanAudit(sql, keySet));
});
