/**
 * Two daemons and two workers over one PostgreSQL that is none of theirs: requests are filed at both, one daemon and one
 * worker are killed in the middle, and there is one ledger all the same.
 */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mintLocalToken } from '@app/access';
import type { KeySet } from '@app/attestation';
import { loadConfig } from '@app/config';
import { connect, type OpenDatabase, ownDatabase, type Sql } from '@app/persistence';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SeededRandom } from '../../libs/iam/src/random.js';
import {
  AttestationReader,
  expectCleanAudit,
  expectDense,
  expectExactlyOnce,
  expectExtensions,
  fetchKeySet,
  publishedCheckpoints,
  verificationsFinished,
} from '../support/fault-checks.js';
import { FaultClient } from '../support/fault-client.js';
import { faultDirectory } from '../support/fault-directory.js';
import { FaultProcess } from '../support/fault-process.js';
import { Workload } from '../support/fault-workload.js';
import { until } from '../support/until.js';

const REQUESTS = 120;
const END_TIMEOUT_MS = 240_000;

const root = faultDirectory('lacuna-two-');
// PostgreSQL runs as nobody when this runs as root, and has to pass.
chmodSync(root, 0o711);
let server: OpenDatabase;
let sql: Sql;
let processes: FaultProcess[] = [];
let daemons: FaultProcess[] = [];
let clients: FaultClient[] = [];
let keySet: KeySet;

/** A private key that both daemons are given, as operators of several daemons have to. */
function sharedKey(name: string): string {
  const path = join(root, `${name}.pem`);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  writeFileSync(path, pem, { mode: 0o600 });
  return path;
}

async function clientOf(daemon: FaultProcess): Promise<FaultClient> {
  const token = await mintLocalToken({
    directory: daemon.directory,
    roles: ['platform', 'auditor'],
    subject: 'two daemons',
    ttlSeconds: 3600,
    now: new Date(),
  });
  return new FaultClient({ url: () => daemon.url, token });
}

beforeAll(async () => {
  const database = join(root, 'database');
  server = await ownDatabase(loadConfig({ LACUNA_DATA_DIR: database }), () => undefined);
  const socket = join(database, 'postgres', 'socket');
  const environment = {
    LACUNA_DATABASE_URL: `postgres://lacuna@localhost/lacuna?host=${encodeURIComponent(socket)}`,
    LACUNA_LEDGER_NAME: 'two.test',
    LACUNA_LOG_KEY: sharedKey('log'),
    LACUNA_ATTESTATION_KEY: sharedKey('attestation'),
  };
  const make = (app: 'daemon' | 'worker', name: string) =>
    new FaultProcess(app, name, join(root, name), environment);
  daemons = [make('daemon', 'daemon-a'), make('daemon', 'daemon-b')];
  processes = [...daemons, make('worker', 'worker-a'), make('worker', 'worker-b')];
  // All at once: the migrations and the event log are made by one of them.
  for (const one of processes) one.start();
  for (const daemon of daemons) await daemon.ready();
  clients = await Promise.all(daemons.map(clientOf));
  keySet = await fetchKeySet(clients[0]!);
  sql = connect(server.address, { as: 'application', name: 'two-daemons-test', poolSize: 2 });
});

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  for (const one of processes.toReversed()) await one.stop();
  await server?.close();
});

it('two daemons append to one ledger while one of them and a worker are killed', async () => {
  let turn = 0;
  const workload = new Workload({
    client: () => clients[(turn += 1) % clients.length]!,
    random: new SeededRandom('two daemons'),
    requests: REQUESTS,
  });
  await workload.prepare();
  const published = await publishedCheckpoints(clients[1]!, keySet);
  const filed = workload.file(REQUESTS, 16);
  await until(() => workload.acknowledged.length >= REQUESTS / 3);
  const [victim, , worker] = processes;
  victim!.kill();
  worker!.kill();
  await victim!.restart();
  await worker!.restart();
  await Promise.all([filed, workload.registerRelease()]);

  expect(processes.flatMap((one) => one.deaths)).toEqual([]);
  await verificationsFinished(sql, END_TIMEOUT_MS);
  await expectDense(sql);
  await expectExactlyOnce(sql, workload.acknowledged);
  for (const client of clients) await expectExtensions(client, keySet, published);
  await expectCleanAudit(sql, keySet);
  const attestations = new AttestationReader(clients[0]!, workload.modelId, keySet);
  await attestations.verifyNew();
  expect(attestations.covered).toBe(BigInt(workload.acknowledged.length * 2));
});

it('one new key sent to both daemons at once gives one model and one answer', async () => {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const input = { name: `model ${attempt}`, signalKind: 'LOSS', idempotencyKey: `model-${attempt}` };
    const ids = await Promise.all(clients.map((client) => client.mutate('registerModel', input)));
    expect(new Set(ids).size).toBe(1);
  }
  await expectDense(sql);
  await expectCleanAudit(sql, keySet);
});
