/**
 * SIGKILL during the verification of live models: workers, their models' processes, the daemon and PostgreSQL, at random
 * moments. No block may be lost and none counted twice, and every verification must leave the very bytes that an
 * undisturbed one left.
 *   LIVE_ROUNDS=50 FAULT_SEED=7 npm run test:fault -- live-crash
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mintLocalToken } from '@app/access';
import type { KeySet } from '@app/attestation';
import { connect, type Sql } from '@app/persistence';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../libs/iam/src/random.js';
import { expectCleanAudit, fetchKeySet } from '../support/fault-checks.js';
import { FaultClient } from '../support/fault-client.js';
import { faultDirectory } from '../support/fault-directory.js';
import { attestedRemains, differences, LiveWorkload, type Remains } from '../support/fault-live.js';
import { killProcess, postmasterPid } from '../support/fault-postgres.js';
import { FaultProcess } from '../support/fault-process.js';

/** A round waits for leases of what was killed: a third of the rounds of the other crash test, unless told otherwise. */
const ROUNDS = Number(process.env['LIVE_ROUNDS'] ?? Math.ceil(Number(process.env['FAULT_ROUNDS'] ?? 25) / 3));
const SEED = process.env['FAULT_SEED'] ?? String(randomInt(1_000_000));
/** Three blocks, the last one partial. */
const COMMITMENTS = 9_000;
/** A killed worker's lease runs for half a minute, twice where the next one is killed too. */
const ROUND_TIMEOUT_MS = 240_000;

type Victim = 'daemon' | 'worker-a' | 'worker-b' | 'model' | 'postmaster';
const VICTIMS: readonly (readonly Victim[])[] = [
  ['worker-a'],
  ['worker-b'],
  ['worker-a', 'worker-b'],
  ['model'],
  ['daemon'],
  ['postmaster'],
  ['worker-a', 'postmaster'],
  ['daemon', 'worker-b'],
  ['worker-a', 'worker-b', 'daemon', 'postmaster'],
];

const directory = faultDirectory('lacuna-live-crash-');
const environment = { LACUNA_LEDGER_NAME: 'live.test' };
const daemon = new FaultProcess('daemon', 'daemon', directory, environment);
const workers = {
  'worker-a': new FaultProcess('worker', 'worker-a', directory, environment),
  'worker-b': new FaultProcess('worker', 'worker-b', directory, environment),
};
const processes = [daemon, ...Object.values(workers)];
const random = new SeededRandom(SEED);
let client: FaultClient;
let workload: LiveWorkload;
let keySet: KeySet;
let sql: Sql;
let undisturbed: Remains;
let undisturbedMs = 0;

beforeAll(async () => {
  process.stdout.write(`live crash test: ${ROUNDS} rounds, seed ${SEED}, ${directory}\n`);
  for (const one of processes) one.start();
  for (const one of processes) await one.ready();
  const token = await mintLocalToken({
    directory,
    roles: ['platform', 'auditor'],
    subject: 'live crash',
    ttlSeconds: 24 * 3600,
    now: new Date(),
  });
  client = new FaultClient({ url: () => daemon.url, token });
  workload = new LiveWorkload(() => client, COMMITMENTS);
  await workload.prepare();
  keySet = await fetchKeySet(client);
  const socket = join(directory, 'postgres', 'socket');
  const address = { kind: 'socket', directory: socket, database: 'lacuna' } as const;
  sql = connect(address, { as: 'application', name: 'live-crash-test', poolSize: 2 });
  // The first pays for the references too: from the second on all are alike.
  await attested(await workload.release(0));
  const started = performance.now();
  undisturbed = await attested(await workload.release(1));
  undisturbedMs = performance.now() - started;
});

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  for (const one of processes.toReversed()) await one.stop();
  killProcess(postmasterPid(directory));
});

const attested = (releaseId: string) => attestedRemains(sql, releaseId, ROUND_TIMEOUT_MS);

function kill(victim: Victim): void {
  if (victim === 'daemon') daemon.kill();
  else if (victim === 'postmaster') killProcess(postmasterPid(directory));
  else if (victim === 'model') workers['worker-a'].killChildren();
  else workers[victim].kill();
}

describe.sequential('SIGKILL during the verification of a live model', () => {
  test('nothing is counted twice without it', () => {
    expect(undisturbed).toMatchObject({
      targetPasses: BigInt(undisturbed.passesWritten),
      referencePasses: 0n,
    });
    expect(undisturbed.passesWritten).toBe(COMMITMENTS + 180);
  });

  for (let round = 1; round <= ROUNDS; round += 1) {
    test(`round ${round}`, { timeout: ROUND_TIMEOUT_MS }, async () => {
      const victims = VICTIMS[random.nextBelow(VICTIMS.length)]!;
      const momentMs = random.nextBelow(Math.ceil(undisturbedMs));
      const releaseId = await workload.release(round + 1);
      // The moment of the kill, not a wait for something.
      await delay(momentMs);
      for (const victim of victims) kill(victim);
      for (const one of processes) if (one.wasKilled) await one.restart();
      await daemon.ready();
      const remains = await attested(releaseId);
      process.stdout.write(`round ${round}: ${victims.join(' + ')} after ${momentMs} ms\n`);
      expect(processes.flatMap((one) => one.deaths)).toEqual([]);
      expect(differences(remains, undisturbed)).toEqual([]);
    });
  }

  test('the audit recomputes everything', () => expectCleanAudit(sql, keySet));
});
