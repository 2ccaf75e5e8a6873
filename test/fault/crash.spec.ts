/**
 * SIGKILL at random moments of the main job, in real processes over an embedded PostgreSQL with fsync on. Writers that
 * file deletion requests go on through all of it. Whatever dies is started again, and then everything that was ever
 * acknowledged must be there once, in logs that extend what was published before, under attestations that verify.
 *   FAULT_ROUNDS=200 FAULT_MINUTES=30 FAULT_SEED=7 npm run test:fault -- crash
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mintLocalToken } from '@app/access';
import type { KeySet } from '@app/attestation';
import { connect, type Sql } from '@app/persistence';
import Table from 'cli-table3';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { SeededRandom } from '../../libs/iam/src/random.js';
import {
  AttestationReader,
  expectCleanAudit,
  expectDense,
  expectExactlyOnce,
  expectExtensions,
  fetchKeySet,
  type PublishedCheckpoint,
  publishedCheckpoints,
  verificationsFinished,
} from '../support/fault-checks.js';
import { FaultClient } from '../support/fault-client.js';
import { faultDirectory } from '../support/fault-directory.js';
import { backendPids, killProcess, postmasterPid } from '../support/fault-postgres.js';
import { FaultProcess } from '../support/fault-process.js';
import { Workload } from '../support/fault-workload.js';

const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 25);
/** No round begins after so many minutes; what a run of fewer rounds left is checked all the same. */
const MINUTES = Number(process.env['FAULT_MINUTES'] ?? Infinity);
const SEED = process.env['FAULT_SEED'] ?? String(randomInt(1_000_000));
const WRITERS = 16;
/** Requests of one round: enough to be under way when the kill comes. Long runs take fewer, or they verify for hours. */
const REQUESTS_PER_ROUND = Math.max(WRITERS + 8, Math.min(64, Math.round(1200 / ROUNDS)));
/** Long runs verify a share of them: a verification of each tree that grew would take longer than all kills. */
const VERIFIED_EVERY = ROUNDS > 40 ? 8 : 1;
/** Answers that are asked for again after each recovery. */
const REPEATS = 10;
/** A release is registered in each round of this number. */
const RELEASE_EVERY = 3;
/** Longest wait between the last acknowledgement and a kill: verifications of this size take about as long. */
const LONGEST_AFTERMATH_MS = 1_200;
/** Leases of jobs whose worker was killed run for 30 to 60 s; then each round's verifications take their turn. */
const END_TIMEOUT_MS = 300_000 + ROUNDS * 20_000;

type Victim = 'daemon' | 'worker' | 'postmaster' | 'backend';
/** One at a time mostly; the daemon and the server together are what a power cut looks like. */
const VICTIMS: readonly (readonly Victim[])[] = [
  ['daemon'],
  ['daemon'],
  ['worker'],
  ['worker'],
  ['postmaster'],
  ['postmaster'],
  ['backend'],
  ['daemon', 'postmaster'],
  ['worker', 'daemon'],
  ['worker', 'postmaster'],
  ['worker', 'daemon', 'postmaster'],
];

interface RoundRow {
  readonly round: number;
  readonly victims: readonly Victim[];
  readonly moment: string;
  readonly acknowledged: number;
  readonly recoveryMs: number;
  readonly roundMs: number;
}

const directory = faultDirectory('lacuna-crash-');
const environment = { LACUNA_LEDGER_NAME: 'crash.test' };
const daemon = new FaultProcess('daemon', 'daemon', directory, environment);
const worker = new FaultProcess('worker', 'worker', directory, environment);
const random = new SeededRandom(SEED);
const rounds: RoundRow[] = [];
const began = performance.now();
let failed = false;
let client: FaultClient;
let workload: Workload;
let keySet: KeySet;
let sql: Sql;
let attestations: AttestationReader;
/** The newest checkpoint of each log that anybody could have seen. */
let published: PublishedCheckpoint[] = [];

beforeAll(async () => {
  process.stdout.write(`crash test: ${ROUNDS} rounds, seed ${SEED}, ${directory}\n`);
  daemon.start();
  worker.start();
  await daemon.ready();
  await worker.ready();
  const token = await mintLocalToken({
    directory,
    roles: ['platform', 'auditor'],
    subject: 'crash',
    ttlSeconds: 24 * 3600,
    now: new Date(),
  });
  client = new FaultClient({ url: () => daemon.url, token });
  workload = new Workload({
    client: () => client,
    random,
    requests: ROUNDS * (REQUESTS_PER_ROUND + 1),
    verifiedEvery: VERIFIED_EVERY,
  });
  await workload.prepare();
  keySet = await fetchKeySet(client);
  attestations = new AttestationReader(client, workload.modelId, keySet);
  const address = {
    kind: 'socket',
    directory: join(directory, 'postgres', 'socket'),
    database: 'lacuna',
  } as const;
  sql = connect(address, { as: 'application', name: 'crash-test', poolSize: 2 });
});

afterAll(async () => {
  printReport();
  await sql?.end({ timeout: 5 });
  await worker.stop();
  await daemon.stop();
  killProcess(postmasterPid(directory));
});

describe.sequential('SIGKILL of daemon, worker and PostgreSQL', () => {
  for (let round = 1; round <= ROUNDS; round += 1) {
    test(`round ${round}`, (context) => {
      context.skip(performance.now() - began > MINUTES * 60_000, `${MINUTES} minutes are over`);
      return unlessFailed(context, () => playRound(round));
    });
  }

  test('all verifications finish and cover every commitment', { timeout: END_TIMEOUT_MS }, (context) =>
    unlessFailed(context, async () => {
      const attested = await verificationsFinished(sql, END_TIMEOUT_MS);
      await attestations.verifyNew();
      expect(attestations.verified).toBe(attested);
      const [head] = await sql<{ next_index: bigint }[]>`
        select next_index from log_head join log using (log_id) where model_id = ${workload.modelId}`;
      expect(attestations.covered).toBe(head!.next_index);
    }),
  );

  test('every acknowledged request is there exactly once', (context) =>
    unlessFailed(context, async () => {
      await expectExactlyOnce(sql, workload.acknowledged);
      for (const { number, id } of workload.acknowledged) expect(await workload.send(number)).toBe(id);
      await expectExactlyOnce(sql, workload.acknowledged);
    }));

  test('the audit recomputes everything', (context) =>
    unlessFailed(context, () => expectCleanAudit(sql, keySet)));
});

async function playRound(round: number): Promise<void> {
  const startedAt = performance.now();
  const victims = VICTIMS[random.nextBelow(VICTIMS.length)]!;
  const before = workload.acknowledged.length;
  published = await publishedCheckpoints(client, keySet);
  const moment = await workUntilKill(round, victims, before);
  const killedAt = performance.now();
  const recoveryMs = await recover(killedAt);
  const acknowledged = workload.acknowledged.length;
  expect([...daemon.deaths, ...worker.deaths]).toEqual([]);
  await expectExtensions(client, keySet, published);
  await expectDense(sql);
  await expectExactlyOnce(sql, workload.acknowledged);
  const repeated = Array.from({ length: REPEATS }, async () => {
    const one = workload.acknowledged[random.nextBelow(acknowledged)]!;
    expect(await workload.send(one.number)).toBe(one.id);
  });
  await Promise.all(repeated);
  await attestations.verifyNew();
  const roundMs = Math.round(performance.now() - startedAt);
  rounds.push({ round, victims, moment, acknowledged, recoveryMs, roundMs });
}

let inFlight: Promise<unknown> = Promise.resolve();

/** Starts the round's work and kills the victims in the middle of it, or in what follows it. */
async function workUntilKill(round: number, victims: readonly Victim[], before: number): Promise<string> {
  const after = random.nextBelow(REQUESTS_PER_ROUND + REQUESTS_PER_ROUND / 2);
  const aftermathMs = random.nextBelow(LONGEST_AFTERMATH_MS);
  let release: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (release = resolve));
  let done = false;
  const strike = () => {
    if (done) return;
    done = true;
    workload.onAcknowledged = () => undefined;
    for (const victim of victims) kill(victim);
    release();
  };
  workload.onAcknowledged = () => {
    if (workload.acknowledged.length - before > after) strike();
  };
  const work: Promise<unknown>[] = [workload.file(REQUESTS_PER_ROUND, WRITERS)];
  if (round % RELEASE_EVERY === 0) work.push(workload.registerRelease());
  inFlight = Promise.all(work);
  if (after < REQUESTS_PER_ROUND) {
    await Promise.race([reached, inFlight]);
    strike();
    return `after ${after} of ${REQUESTS_PER_ROUND}`;
  }
  await inFlight;
  published = await publishedCheckpoints(client, keySet);
  // The moment of the kill, not a wait for something: verification, integration and attestation are under way.
  await delay(aftermathMs);
  strike();
  return `${aftermathMs} ms after the last`;
}

function kill(victim: Victim): void {
  if (victim === 'daemon') daemon.kill();
  if (victim === 'worker') worker.kill();
  if (victim === 'postmaster') killProcess(postmasterPid(directory));
  if (victim === 'backend') {
    const backends = backendPids(directory);
    killProcess(backends[random.nextBelow(Math.max(1, backends.length))]);
  }
}

/** Starts what died; returns the milliseconds from the kill to the acknowledgement of a new request. */
async function recover(killedAt: number): Promise<number> {
  for (const one of [daemon, worker]) if (!one.alive || one.wasKilled) await one.restart();
  await daemon.ready();
  await workload.file(1, 1);
  const recoveryMs = Math.round(performance.now() - killedAt);
  await inFlight;
  // The worker may still be starting: the next kill may meet it there.
  return recoveryMs;
}

/** Skips what follows a failure, whose data directory is kept for whoever looks into it. */
async function unlessFailed(context: TestContext, check: () => Promise<void>): Promise<void> {
  context.skip(failed, 'an earlier part failed');
  failed = true;
  await check();
  failed = false;
}

function printReport(): void {
  const table = new Table({
    head: ['round', 'killed', 'moment', 'acknowledged', 'recovery ms', 'round ms'],
    style: { head: [], border: [] },
  });
  for (const { round, victims, moment, acknowledged, recoveryMs, roundMs } of rounds)
    table.push([round, victims.join(' + '), moment, acknowledged, recoveryMs, roundMs]);
  const victims = rounds.flatMap((row) => row.victims);
  const kinds = [...new Set(victims)].sort();
  const kills = kinds.map((kind) => `${victims.filter((one) => one === kind).length} ${kind}`);
  const spread = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return `median ${at(0.5)} ms, p95 ${at(0.95)} ms, slowest ${at(1)} ms`;
  };
  const retries = [...client.retries].map(([why, count]) => `  ${count} x ${why}`);
  process.stdout.write(
    [
      table.toString(),
      `seed ${SEED}: ${rounds.length} rounds, ${victims.length} kills (${kills.join(', ')})`,
      `${workload.acknowledged.length} requests acknowledged, ${attestations.verified} attestations verified`,
      `recovery: ${spread(rounds.map((row) => row.recoveryMs))}`,
      `round: ${spread(rounds.map((row) => row.roundMs))}`,
      'attempts repeated:',
      ...retries,
      ...(failed ? [`kept for inspection: ${directory}`] : []),
      '',
    ].join('\n'),
  );
}
