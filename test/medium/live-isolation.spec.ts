/** Models that hang or eat memory, from registration to attestation: in processes of their own, as a worker runs them. */
import { rmSync } from 'node:fs';
import { type ModelRuntime, openRuntime } from '@app/inference';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  FEATURES,
  type LiveModel,
  liveModel,
  rememberingModel,
  storeModel,
  storeSamples,
} from '../support/live.js';
import { greedyOnnxFile, hangingOnnxFile } from '../support/models/faulty-onnx.js';
import { onnxFile } from '../support/models/write-onnx.js';
import { bytesOf } from '../support/registry.js';
import { runtimeOptions } from '../support/runtime-options.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import {
  artifactCache,
  openVerification,
  openWorker,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

const COMMITMENTS = 21;
/** Rounds of a loop: some minutes. */
const HANGS_AT = 1e9;
const LIMITS = { timeoutMs: 2_000, memoryMb: 900 };

let database: TestDatabase;
let bench: VerificationBench;
let worker: TestWorker;
/** The newest. */
let loaded: ModelRuntime | null = null;
let model: LiveModel;
let release: (file: Uint8Array) => ReturnType<typeof verified>;

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
  worker = await openWorker(database, 'worker', {
    models: 1,
    openRuntime: async (source) => (loaded = await openRuntime(source, runtimeOptions(LIMITS))),
  });
  model = await liveModel(bench, { forget: COMMITMENTS - 1 });
  for (let i = 0; i < model.forget.length; i += 5)
    await bench.file(model.modelId, model.forget.slice(i, i + 5));
  await bench.file(model.modelId, ['poison']);
  await bench.samples.store(model.modelId, bytesOf(poison()));
  await bench.drain(worker);
  await bench.freeze(model.modelId);
  release = async (file) => verified(await model.release(await storeModel(bench, file)));
});

afterAll(async () => {
  await worker.close();
  await bench.close();
  await database.close();
});

/** A sample that no honest model minds: its large number meets weights of zero. */
function poison(): string {
  const data = new Array<number>(FEATURES).fill(0).with(FEATURES - 1, HANGS_AT);
  const inputs = { input: { dtype: 'float32', shape: [FEATURES], data } };
  return `${JSON.stringify({ sampleId: 'poison', label: 0, inputs })}\n`;
}

async function verified(releaseId: string) {
  expect(await bench.drain(worker)).toEqual([]);
  const [verification] = (await bench.verifications.list({ releaseId }, { first: 1 })).items;
  const outcome = await bench.results.outcome(verification!.verificationId);
  return { verification: verification!, summary: outcome!.summary };
}

it.each([
  ['hangs', hangingOnnxFile({ features: FEATURES, factor: HANGS_AT }), 'RUNTIME_TIMEOUT'],
  ['eats memory', greedyOnnxFile({ features: FEATURES, factor: 4 }), 'RUNTIME_OUT_OF_MEMORY'],
])('a release that %s is unscorable, with the reason, and the worker goes on', async (_what, file, code) => {
  const { verification, summary } = await release(file);
  expect(verification).toMatchObject({
    result: 'INCONCLUSIVE',
    progress: { status: 'ATTESTED' },
  });
  expect(summary.unscorable).toEqual([{ role: 'release', code, samples: COMMITMENTS }]);
  const next = await release(onnxFile(rememberingModel(['controls'])));
  expect(next.summary.unscorable).toEqual([]);
  expect(next.verification.result).toBe('PASSED');
});

it('a sample at which the model hangs costs no other one its score', async () => {
  const { verification, summary } = await release(hangingOnnxFile({ features: FEATURES }));
  expect(verification.progress.status).toBe('ATTESTED');
  expect(summary.unscorable).toEqual([{ role: 'release', code: 'RUNTIME_TIMEOUT', samples: 1 }]);
  expect(summary.counts.samples.UNSCORABLE).toBe(1);
});

it('a release whose files were removed from the machine is fetched again, and no sample goes without its score', async () => {
  const { verification } = await release(onnxFile(rememberingModel(['controls', 'late'])));
  const { pid } = loaded as ModelRuntime & { readonly pid: number };
  process.kill(pid, 'SIGKILL');
  await until(() => (loaded as ModelRuntime & { readonly pid: number | null }).pid === null);
  rmSync(artifactCache(database), { recursive: true });
  await storeSamples(bench, model.modelId, 'late', ['late-1']);
  await bench.file(model.modelId, ['late-1']);
  await bench.verifications.request(verification.releaseId, 'schedule');
  const [plan] = await bench.takeJobs('verification.plan');
  await worker.run(plan!);
  const [job] = await bench.takeJobs('verification.block');
  await expect(worker.run(job!)).rejects.toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true });
  // As the queue gives it again.
  await worker.run(job!);
  const { summary } = await verified(verification.releaseId);
  expect(summary.unscorable).toEqual([]);
});
