/**
 * Two daemons and four workers over one PostgreSQL that is none of theirs, on one live model: while one daemon and two
 * workers are killed, every verification leaves the very bytes that one worker alone left, and nothing is counted twice.
 */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mintLocalToken } from '@app/access';
import { loadConfig } from '@app/config';
import { connect, type OpenDatabase, ownDatabase, type Sql } from '@app/persistence';
import { newVaultKeyText } from '@app/vault';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectCleanAudit, fetchKeySet } from '../support/fault-checks.js';
import { FaultClient } from '../support/fault-client.js';
import { faultDirectory } from '../support/fault-directory.js';
import { attestedRemains, differences, LiveWorkload, type Remains } from '../support/fault-live.js';
import { FaultProcess } from '../support/fault-process.js';

const COMMITMENTS = 17_000;
const TIMEOUT_MS = 240_000;

const root = faultDirectory('lacuna-many-');
// PostgreSQL runs as nobody when this runs as root, and has to pass.
chmodSync(root, 0o711);
let server: OpenDatabase;
let sql: Sql;
let processes: FaultProcess[] = [];
let clients: FaultClient[] = [];
let workload: LiveWorkload;
let alone: Remains;
let turn = 0;

function sharedKey(name: string): string {
  const path = join(root, `${name}.pem`);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  writeFileSync(path, pem, { mode: 0o600 });
  return path;
}

function sharedVaultKey(): string {
  const path = join(root, 'vault.keys');
  writeFileSync(path, newVaultKeyText(), { mode: 0o600 });
  return path;
}

async function clientOf(daemon: FaultProcess): Promise<FaultClient> {
  const token = await mintLocalToken({
    directory: daemon.directory,
    roles: ['platform', 'auditor'],
    subject: 'many workers',
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
    LACUNA_LEDGER_NAME: 'many.test',
    LACUNA_LOG_KEY: sharedKey('log'),
    LACUNA_ATTESTATION_KEY: sharedKey('attestation'),
    LACUNA_VAULT_KEY: sharedVaultKey(),
  };
  const make = (app: 'daemon' | 'worker', name: string) =>
    new FaultProcess(app, name, join(root, name), environment);
  const daemons = [make('daemon', 'daemon-a'), make('daemon', 'daemon-b')];
  const workers = ['a', 'b', 'c', 'd'].map((name) => make('worker', `worker-${name}`));
  processes = [...daemons, ...workers];
  const [first, second] = daemons;
  for (const one of [first!, workers[0]!]) one.start();
  await first!.ready();
  clients = [await clientOf(first!)];
  sql = connect(server.address, { as: 'application', name: 'many-workers-test', poolSize: 2 });
  workload = new LiveWorkload(() => clients[(turn += 1) % clients.length]!, COMMITMENTS);
  await workload.prepare();
  // The first pays for the references too: from the second on all are alike.
  await attestedRemains(sql, await workload.release(0), TIMEOUT_MS);
  alone = await attestedRemains(sql, await workload.release(1), TIMEOUT_MS);
  for (const one of [second!, ...workers.slice(1)]) one.start();
  await second!.ready();
  for (const worker of workers) await worker.ready();
  clients.push(await clientOf(second!));
});

afterAll(async () => {
  await sql?.end({ timeout: 5 });
  for (const one of processes.toReversed()) await one.stop();
  await server?.close();
});

async function expectLikeAlone(releaseId: string): Promise<void> {
  expect(differences(await attestedRemains(sql, releaseId, TIMEOUT_MS), alone)).toEqual([]);
}

it('four workers leave what one left', { timeout: TIMEOUT_MS }, async () => {
  expect(alone.targetPasses).toBe(BigInt(alone.passesWritten));
  const releases = await Promise.all([workload.release(2), workload.release(3)]);
  for (const release of releases) await expectLikeAlone(release);
});

it('so do those that are left when others are killed', { timeout: TIMEOUT_MS }, async () => {
  const release = await workload.release(4);
  const [daemon, , worker, , other] = processes;
  // The moment of the kill, not a wait for something.
  await delay(400);
  for (const victim of [daemon!, worker!, other!]) victim.kill();
  await Promise.all([daemon!, worker!, other!].map((victim) => victim.restart()));
  await daemon!.ready();
  await expectLikeAlone(release);
  expect(processes.flatMap((one) => one.deaths)).toEqual([]);
  // The first daemon knows since when the shared key is in use.
  await expectCleanAudit(sql, await fetchKeySet(clients[0]!));
});
