/**
 * A ledger with many live commitments for measurements: an embedded PostgreSQL with fsync on, the daemon's services in this
 * process, workers in processes of their own as operators run them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@app/config';
import { encodeSample } from '@app/inference';
import { connect, migrate, openKysely, ownDatabase, projectRoot } from '@app/persistence';
import { installQueue } from '@app/queue';
import { type Verification } from '@app/verification';
import { FaultProcess } from './fault-process.js';
import { TEST_LEDGER } from './ledger.js';
import { storeModel } from './live.js';
import type { Classifier } from './models/classifier.js';
import { onnxFile } from './models/write-onnx.js';
import { bytesOf } from './registry.js';
import { until } from './until.js';
import { storeSegment, testVaultKeyFile } from './vault.js';
import { openVerification, scatter, type VerificationBench } from './verification.js';

const ACTOR = 'platform:bench';
/** Samples of one stored segment, and commitments of one deletion request. */
const SEGMENT = 4096;
const REQUEST = 20;
/** As a daemon has it unless told otherwise. */
const CHECKPOINT_INTERVAL_MS = 100;
/** Asking more often costs the measured machine more than it tells. */
const LOOK_EVERY_MS = 100;
const CALIBRATION = 2_000;
const CONTROLS = 500;
const RECEIVED_AT = '2026-11-01T00:00:00Z';

export interface LoadServer {
  readonly bench: VerificationBench;
  worker(name: string, settings?: Readonly<Record<string, string>>): FaultProcess;
  close(): Promise<void>;
}

export async function openLoadServer(): Promise<LoadServer> {
  const built = spawnSync(process.execPath, ['apps/cli/launch.mjs', '--build-only'], {
    cwd: projectRoot(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (built.status !== 0) throw new Error('the build failed');
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-bench-'));
  const server = await ownDatabase(loadConfig({ LACUNA_DATA_DIR: directory }), () => undefined);
  const admin = connect(server.address, { as: 'login', name: 'bench-admin', poolSize: 2 });
  await migrate(admin, undefined, installQueue);
  const sql = connect(server.address, { as: 'application', name: 'bench', poolSize: 4 });
  const database = {
    name: 'bench',
    address: server.address,
    sql,
    db: openKysely(sql),
    admin,
    close: () => Promise.resolve(),
  };
  const bench = await openVerification(database, { checkpointIntervalMs: CHECKPOINT_INTERVAL_MS });
  const socket = encodeURIComponent(join(directory, 'postgres', 'socket'));
  const workers: FaultProcess[] = [];
  return {
    bench,
    worker(name, settings = {}) {
      const worker = new FaultProcess('worker', name, join(directory, name), {
        LACUNA_DATABASE_URL: `postgres://lacuna@localhost/lacuna?host=${socket}`,
        LACUNA_VAULT_KEY: testVaultKeyFile(),
        LACUNA_LEDGER_NAME: TEST_LEDGER,
        ...settings,
      });
      workers.push(worker);
      return worker;
    },
    async close() {
      for (const worker of workers) await worker.stop();
      await bench.close();
      await Promise.all([admin.end(), sql.end()]);
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What the samples of a model look like: random bytes of one shape. */
export interface SampleShape {
  readonly shape: readonly number[];
  readonly classes: number;
  /** Of 256: how many bytes are not zero. */
  readonly density: number;
}

/** Bytes that samples are cut out of: so many places to begin that no two of a million samples are alike. */
const POOL_BYTES = 2 ** 22;
/** Between two samples in the pool; odd, so that every place of the pool is reached before one comes again. */
const POOL_STEP = 1_000_003;
const pools = new Map<number, Uint8Array>();

function poolOf(density: number): Uint8Array {
  const known = pools.get(density);
  if (known) return known;
  const next = scatter(1);
  const pool = new Uint8Array(2 * POOL_BYTES);
  for (let i = 0; i < POOL_BYTES; i += 1) {
    const draw = Math.floor(next() * 65_536);
    pool[i] = (draw & 255) < density ? (draw >> 8) & 3 : 0;
  }
  pool.copyWithin(POOL_BYTES, 0, POOL_BYTES);
  pools.set(density, pool);
  return pool;
}

/** Bytes and label of sample `place`; the same place gives the same sample. The bytes are not to be changed. */
export function sampleAt({ shape, classes, density }: SampleShape, place: number) {
  const start = (place * POOL_STEP) % POOL_BYTES;
  const bytes = shape.reduce((product, size) => product * size, 1);
  return { data: poolOf(density).subarray(start, start + bytes), label: place % classes };
}

export interface LoadModel {
  readonly modelId: string;
  /** Registers a release of these weights. @returns its id */
  release(classifier: Classifier): Promise<string>;
}

/**
 * A model whose references are run here, with `size` stored and committed samples.
 * @param reference what original and shadow are: cheap, so that what is measured is the release
 */
export async function loadModel(
  { bench }: LoadServer,
  name: string,
  samples: SampleShape,
  size: number,
  reference: (seed: number) => Classifier,
): Promise<LoadModel> {
  const key = () => ({ idempotencyKey: bench.unique('key') });
  const { modelId } = await bench.models.register({ name, signalKind: 'loss', ...key() }, ACTOR);
  for (const [role, seed] of [
    ['original', 1],
    ['shadow', 2],
  ] as const) {
    const artifactDigest = await storeModel(bench, onnxFile(reference(seed)));
    await bench.references.register({ modelId, role, name: role, artifactDigest, ...key() }, ACTOR);
  }
  const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  const sets = { calibration: ids('calibration', CALIBRATION), controls: ids('controls', CONTROLS) };
  const committed = ids('sample', size);
  const all = [...sets.calibration, ...sets.controls, ...committed];
  for (let from = 0; from < all.length; from += SEGMENT) {
    const segment = all.slice(from, from + SEGMENT).map((sampleId, i) => {
      const { data, label } = sampleAt(samples, from + i);
      const tensors = [{ name: 'input', dtype: 'uint8' as const, shape: samples.shape, data }];
      return { sampleId, payload: encodeSample({ form: 'tensors', label, tensors }) };
    });
    await storeSegment(bench, modelId, segment);
  }
  for (const role of ['calibration', 'controls'] as const)
    await bench.sets.register({ modelId, role, name: role, sampleIds: sets[role], ...key() }, ACTOR);
  await commit(bench, modelId, committed);
  return {
    modelId,
    async release(classifier) {
      const artifactDigest = await storeModel(bench, onnxFile(classifier));
      const input = { modelId, name: bench.unique('release'), artifactDigest, ...key() };
      return (await bench.releases.register(input, ACTOR)).releaseId;
    },
  };
}

/** Files the requests as operators bring many: as one import. */
async function commit(
  bench: VerificationBench,
  modelId: string,
  sampleIds: readonly string[],
): Promise<void> {
  async function* lines(): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < sampleIds.length; from += REQUEST) {
      const samples = sampleIds.slice(from, from + REQUEST).map((sampleId) => ({ modelId, sampleId }));
      const request = { subject: bench.unique('subject'), regime: 'GDPR', receivedAt: RECEIVED_AT, samples };
      yield* bytesOf(`${JSON.stringify(request)}\n`);
    }
  }
  let filed = 0;
  for await (const chunk of bench.imports.import(lines(), { key: modelId }, ACTOR))
    filed += chunk.commitments;
  if (filed !== sampleIds.length) throw new Error(`${filed} of ${sampleIds.length} samples are committed`);
}

/** Freezes a profile as soon as the workers have the references' signals. */
export async function freezeWhenReady(bench: VerificationBench, modelId: string): Promise<void> {
  await until(async () => {
    try {
      await bench.freeze(modelId, { levels: 100 });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === 'VERIFICATION_SIGNALS_PENDING') return false;
      throw error;
    }
  });
}

/** The newest verification of the release, another one than `before`, once it is concluded. */
export async function concluded(
  bench: VerificationBench,
  releaseId: string,
  before?: string,
  timeoutMs = 600_000,
): Promise<Verification> {
  let found: Verification | undefined;
  await until(
    async () => {
      found = (await bench.verifications.list({ releaseId }, { first: 1 })).items[0];
      if (found?.progress.status === 'FAILED') throw new Error(`failed: ${found.progress.errorCode}`);
      return found !== undefined && found.verificationId !== before && found.progress.status === 'CONCLUDED';
    },
    timeoutMs,
    LOOK_EVERY_MS,
  );
  return found!;
}
