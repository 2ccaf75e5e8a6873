/**
 * `lacuna vault rotate` is killed before, between and within its batches, and at random moments, while samples are stored and
 * erased. Whatever it leaves, every payload opens; run again it brings the rest under the new key, whoever runs it; nobody
 * finds its lock; and the audit is clean.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mintLocalToken } from '@app/access';
import { decodeSample } from '@app/inference';
import { connect, openKysely, type Sql } from '@app/persistence';
import { openVault, type VaultService } from '@app/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../libs/iam/src/random.js';
import { type RunningCommand, startCommand } from '../support/command-line.js';
import { expectCleanAudit, fetchKeySet } from '../support/fault-checks.js';
import { FaultClient } from '../support/fault-client.js';
import { faultDirectory } from '../support/fault-directory.js';
import { killProcess, postmasterPid } from '../support/fault-postgres.js';
import { FaultProcess } from '../support/fault-process.js';
import { until } from '../support/until.js';

interface Case {
  readonly point: string;
  /** The segment, in the order of rotation, at which it stands still when it is killed. */
  readonly at: number;
  /** Segments under the new key by then: whole batches. */
  readonly durable: number;
}

/** As in the vault's service: segments of one transaction. */
const BATCH = 500;
/** Two batches and a part of a third one. */
const SEGMENTS = 2 * BATCH + 100;
const POINTS: readonly Case[] = [
  { point: 'before the first batch', at: 0, durable: 0 },
  { point: 'between two batches', at: BATCH, durable: BATCH },
  { point: 'within a batch', at: BATCH + 200, durable: BATCH },
  { point: 'within the last batch', at: 2 * BATCH + 50, durable: 2 * BATCH },
];
const RANDOM_KILLS = Number(process.env['VAULT_KILLS'] ?? 5);
/** About what a rotation of so many segments takes once it has the lock. */
const LONGEST_LIFE_MS = 500;
const SEED = process.env['FAULT_SEED'] ?? String(randomInt(1_000_000));
/** Uploads under way at once. */
const UPLOADS = 16;
/** The command's name for PostgreSQL. */
const ROTATION = 'lacuna-vault';

const directory = faultDirectory('lacuna-rotation-');
const daemon = new FaultProcess('daemon', 'daemon', directory, { LACUNA_REVERIFY_CRON: 'off' });
const random = new SeededRandom(SEED);
let client: FaultClient;
let sql: Sql;
/** The application role is not told what others wait for. */
let onlooker: Sql;
let vault: VaultService;
let modelId: string;
const stored = new Set<string>();
const erased = new Set<string>();
let count = 0;

beforeAll(async () => {
  process.stdout.write(`vault rotation: seed ${SEED}, ${directory}\n`);
  daemon.start();
  await daemon.ready();
  const token = await mintLocalToken({
    directory,
    roles: ['platform', 'operator'],
    subject: 'vault rotation',
    ttlSeconds: 3600,
    now: new Date(),
  });
  client = new FaultClient({ url: () => daemon.url, token });
  const address = {
    kind: 'socket',
    directory: join(directory, 'postgres', 'socket'),
    database: 'lacuna',
  } as const;
  sql = connect(address, { as: 'application', name: 'rotation-test', poolSize: 4 });
  onlooker = connect(address, { as: 'login', name: 'rotation-onlooker', poolSize: 1 });
  vault = openVault(openKysely(sql), join(directory, 'keys', 'vault.keys'));
  modelId = await client.mutate('registerModel', { name: 'm', signalKind: 'LOSS', idempotencyKey: 'm' });
  await Promise.all(
    Array.from({ length: UPLOADS }, async () => {
      while (count < SEGMENTS) await store();
    }),
  );
});
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await onlooker?.end({ timeout: 5 });
  await daemon.stop();
  killProcess(postmasterPid(directory));
});

/** A segment with a sample that stays and one that may be erased. */
async function store(): Promise<void> {
  count += 1;
  const ids = [`kept-${count}`, `short-${count}`];
  const lines = ids.map((sampleId) => `${JSON.stringify({ sampleId, text: `text of ${sampleId}` })}\n`);
  await client.post(`/v1/models/${modelId}/samples`, Buffer.from(lines.join('')), 'application/x-ndjson');
  for (const id of ids) stored.add(id);
}

async function erase(sampleId: string): Promise<void> {
  const requestId = await client.mutate('fileDeletionRequest', {
    subject: `subject of ${sampleId}`,
    regime: 'GDPR',
    receivedAt: '2026-01-15T09:00:00.000Z',
    samples: [{ modelId, sampleId }],
    idempotencyKey: `file ${sampleId}`,
  });
  const reason = 'SUBJECT_REQUEST';
  await client.mutate('eraseDeletionRequest', { requestId, reason, idempotencyKey: `erase ${sampleId}` });
  stored.delete(sampleId);
  erased.add(sampleId);
}

const rotate = (...words: string[]): RunningCommand => startCommand(directory, ['vault', 'rotate', ...words]);

async function expectEnd(run: RunningCommand): Promise<void> {
  expect(await run.ended, run.text.err).toEqual([0, null]);
}

/** Whether a rotation holds its advisory lock. */
async function isLocked(): Promise<boolean> {
  const rows = await onlooker`select from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and granted and application_name = ${ROTATION}`;
  return rows.length > 0;
}

async function isWaitingForARow(): Promise<boolean> {
  const rows = await onlooker`select from pg_stat_activity
    where application_name = ${ROTATION} and wait_event_type = 'Lock'`;
  return rows.length > 0;
}

interface KeyStatus {
  readonly keyId: string;
  readonly segments: number;
  readonly samples: number;
  readonly active: boolean;
  readonly known: boolean;
}

async function status(): Promise<readonly KeyStatus[]> {
  const run = startCommand(directory, ['vault', 'status', '--json']);
  await expectEnd(run);
  return (JSON.parse(run.text.out) as { keys: KeyStatus[] }).keys;
}

async function expectEverythingOpens(): Promise<void> {
  const ids = [...stored, ...erased];
  const payloads = await vault.read(modelId, ids);
  const wrong = ids.filter((id, at) => {
    const payload = payloads[at]!;
    if (erased.has(id)) return payload !== null;
    if (!(payload instanceof Uint8Array)) return true;
    const sample = decodeSample(payload);
    return sample.form !== 'text' || sample.text !== `text of ${id}`;
  });
  expect(wrong).toEqual([]);
}

async function expectAllUnderTheActiveKey(): Promise<void> {
  const [active, ...others] = await status();
  expect(active).toMatchObject({ active: true, segments: count, samples: stored.size });
  for (const other of others) expect(other).toMatchObject({ active: false, known: true, segments: 0 });
  await expectEverythingOpens();
}

/** Stops whoever comes to the segment at this place until it is called. */
async function holdSegment(at: number): Promise<() => Promise<void>> {
  const session = await sql.reserve();
  await session`begin`;
  const rows = await session`select from vault_content where segment_id =
    (select segment_id from vault_content order by segment_id offset ${at} limit 1) for update`;
  expect(rows).toHaveLength(1);
  return async () => {
    await session`rollback`;
    session.release();
  };
}

describe.sequential('a rotation that is killed', () => {
  it.each(POINTS)('$point (durable: $durable segments)', async ({ point, at, durable }) => {
    const letGo = await holdSegment(at);
    const killed = rotate('--new-key');
    await until(isWaitingForARow);
    // Under way meanwhile: a second rotation, which is refused, samples that come and samples that go.
    const second = rotate('--new-key');
    expect(await second.ended).toEqual([1, null]);
    expect(second.text.err).toContain('VAULT_ROTATION_RUNNING');
    const before = count;
    await Promise.all(Array.from({ length: 8 }, store));
    const erasures = Promise.all([1, 2].map((next) => erase(`short-${at + next}`)));
    killed.child.kill('SIGKILL');
    expect(await killed.ended, point).toEqual([null, 'SIGKILL']);
    expect(killed.text.err).toBe(
      durable === 0
        ? ''
        : batches(durable)
            .map((done) => `${done} of ${before} segment(s)\n`)
            .join(''),
    );

    await until(async () => !(await isLocked()));
    const next = rotate();
    await until(isLocked);
    await letGo();
    await erasures;
    await expectEnd(next);
    expect(next.text.out).toContain(`${before - durable} segment(s) wrapped again`);
    await expectAllUnderTheActiveKey();
  });

  it(`at ${RANDOM_KILLS} random moments, one after another`, async () => {
    for (let kill = 0; kill < RANDOM_KILLS; kill += 1) {
      const killed = rotate('--new-key');
      const work = [store(), store(), erase(`short-${SEGMENTS - kill}`)];
      await until(async () => killed.child.exitCode !== null || (await isLocked()));
      // The moment of the kill, not a wait for something.
      await delay(random.nextBelow(LONGEST_LIFE_MS));
      killed.child.kill('SIGKILL');
      await killed.ended;
      await Promise.all(work);
      await expectEverythingOpens();
    }
    await until(async () => !(await isLocked()));
    await expectEnd(rotate());
    await expectAllUnderTheActiveKey();
  });

  it('leaves nothing that the audit finds', async () => {
    expect(daemon.deaths).toEqual([]);
    await expectCleanAudit(sql, await fetchKeySet(client));
  });
});

/** What a rotation has told by then. */
const batches = (durable: number): number[] =>
  Array.from({ length: durable / BATCH }, (_, n) => (n + 1) * BATCH);
