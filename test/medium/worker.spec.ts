import { InferenceError, RecordingService } from '@app/inference';
import { loadConfig } from '@app/config';
import { systemClock } from '@app/ledger';
import { createLogger } from '@app/logging';
import { migrate } from '@app/persistence';
import { installQueue, Queue } from '@app/queue';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startWorker, type Worker } from '../../apps/worker/src/start-worker.js';
import { emptyDatabase, testDatabase, type TestDatabase } from '../support/test-database.js';
import { openVerification, syntheticModel, type VerificationBench } from '../support/verification.js';

/** The queue polls twice a second; four steps follow each other. */
const PATIENCE = { timeout: 30_000, interval: 50 };

let database: TestDatabase;
let bench: VerificationBench;
let lines: string[] = [];

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
});

afterAll(async () => {
  await bench.close();
  await database.close();
});

async function start(
  settings: Readonly<Record<string, string>> = {},
  { address }: TestDatabase = database,
): Promise<Worker> {
  lines = [];
  return startWorker(loadConfig(settings), {
    logger: createLogger({ name: 'worker', level: 'info' }, { write: (line) => void lines.push(line) }),
    clock: systemClock,
    database: { address, close: () => Promise.resolve() },
  });
}

/** A model with eight requests and a profile, and a registered release that nobody has planned yet. */
async function registered(): Promise<{ modelId: string; releaseId: string }> {
  const model = await syntheticModel(bench);
  for (let i = 0; i < model.forget.length; i += 5) {
    await bench.file(model.modelId, model.forget.slice(i, i + 5));
  }
  await bench.freeze(model.modelId);
  const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
  return { modelId: model.modelId, releaseId };
}

const latest = async (modelId: string) =>
  (await bench.verifications.list({ modelId }, { first: 1 })).items[0];

const blocksOf = async (releaseId: string): Promise<number> =>
  (await database.admin`select 1 from lacuna.score_block where release_id = ${releaseId}`).length;

describe('a worker', () => {
  it('takes a release from registration to its conclusion by itself', async () => {
    const { modelId } = await registered();
    const worker = await start();
    await vi.waitFor(async () => expect((await latest(modelId))?.result).toBe('PASSED'), PATIENCE);
    await worker.stop();
    expect(await latest(modelId)).toMatchObject({ result: 'PASSED', progress: { status: 'CONCLUDED' } });
    expect(lines.join('')).not.toMatch(/forget-|control-|calibration-/);
  });

  it('that finds the database migrated and not yet its queues waits for them', async () => {
    const fresh = await emptyDatabase();
    await migrate(fresh.admin);
    const starting = start({}, fresh);
    await vi.waitFor(() => expect(lines.join('')).toContain('waiting for the database'), PATIENCE);
    expect(lines.join('')).not.toContain('taking jobs');
    await migrate(fresh.admin, undefined, installQueue);
    await (await starting).stop();
    expect(lines.join('')).toContain('taking jobs');
    await fresh.close();
  });

  it('finishes the block in hand when it is stopped, and takes no other', async () => {
    const { modelId, releaseId } = await registered();
    const worker = await start({ LACUNA_WORKER_CONCURRENCY: '1' });
    const recordings = worker.app.get(RecordingService, { strict: false });
    const values = recordings.values.bind(recordings);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => {
      vi.spyOn(recordings, 'values').mockImplementation(async (...args) => {
        resolve();
        await held;
        return values(...args);
      });
    });
    await reached;
    let stopped = false;
    const stopping = worker.stop().then(() => (stopped = true));
    expect(await blocksOf(releaseId)).toBe(0);
    expect(stopped).toBe(false);
    release();
    await stopping;
    expect(await blocksOf(releaseId)).toBe(1);
    expect((await latest(modelId))?.progress).toMatchObject({
      status: 'SCORING',
      blocksDone: 1,
      blocksTotal: 2,
    });
    const heir = await start();
    await vi.waitFor(async () => expect((await latest(modelId))?.result).toBe('PASSED'), PATIENCE);
    await heir.stop();
  });

  it('lays a block that cannot be done among the dead letters, and a new verification goes on', async () => {
    const { modelId, releaseId } = await registered();
    const worker = await start();
    const recordings = worker.app.get(RecordingService, { strict: false });
    const broken = vi
      .spyOn(recordings, 'values')
      .mockImplementation(() => Promise.reject(new InferenceError('RECORDING_NOT_FOUND', 'gone')));
    await vi.waitFor(async () => expect((await latest(modelId))?.progress.status).toBe('FAILED'), PATIENCE);
    const queue = worker.app.get(Queue, { strict: false });
    await vi.waitFor(async () => expect(await queue.deadLetters()).toBeGreaterThan(0), PATIENCE);
    const failed = (await latest(modelId))!;
    expect(failed.progress).toMatchObject({ errorCode: 'RECORDING_NOT_FOUND' });
    const letters = () => database.admin<{ data: Record<string, unknown> }[]>`
      select data from pgboss.job where name = 'verification.dead'`;
    expect((await letters())[0]!.data).toMatchObject({
      queue: 'verification.block',
      verificationId: failed.verificationId,
      code: 'RECORDING_NOT_FOUND',
    });
    // What an operator does once the cause is mended: asks again.
    broken.mockRestore();
    await bench.verifications.request(releaseId, 'operator');
    await vi.waitFor(async () => expect((await latest(modelId))?.result).toBe('PASSED'), PATIENCE);
    for (const { data } of await letters()) expect(data['verificationId']).toBe(failed.verificationId);
    await worker.stop();
  });

  it('goes on after its database connections were cut', async () => {
    const worker = await start();
    await database.admin`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'lacuna-worker'`;
    const { modelId } = await registered();
    await vi.waitFor(async () => expect((await latest(modelId))?.result).toBe('PASSED'), PATIENCE);
    await worker.stop();
  });
});
