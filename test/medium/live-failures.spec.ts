/** What goes wrong with models and samples, and what a verification says of it. Real ONNX files, real PostgreSQL. */
import { openAttestation } from '@app/attestation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CountingRuntimes,
  FEATURES,
  groupIds,
  type LiveModel,
  liveModel,
  rememberingModel,
  storeModel,
  storeSamples,
} from '../support/live.js';
import { onnxFile } from '../support/models/write-onnx.js';
import { bytesOf } from '../support/registry.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  openVerification,
  openWorker,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

let database: TestDatabase;
let bench: VerificationBench;
let worker: TestWorker;
let runtimes: CountingRuntimes;

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
  runtimes = new CountingRuntimes();
  worker = await openWorker(database, 'worker', runtimes);
});

afterAll(async () => {
  await worker.close();
  await bench.close();
  await database.close();
});

const latest = async (releaseId: string) =>
  (await bench.verifications.list({ releaseId }, { first: 1 })).items[0]!;
const clean = () => storeModel(bench, onnxFile(rememberingModel(['controls'])));

/** A model with a profile, its forget samples committed together with `further` ones. */
async function measured(further: readonly string[] = []): Promise<LiveModel> {
  const model = await liveModel(bench);
  for (let i = 0; i < model.forget.length; i += 5)
    await bench.file(model.modelId, model.forget.slice(i, i + 5));
  if (further.length > 0) await bench.file(model.modelId, further);
  await bench.drain(worker);
  await bench.freeze(model.modelId);
  return model;
}

async function verified({ release }: LiveModel, artifactDigest: string) {
  const releaseId = await release(artifactDigest);
  const errors = await bench.drain(worker);
  const verification = await latest(releaseId);
  const outcome = await bench.results.outcome(verification.verificationId);
  return { releaseId, errors, verification, summary: outcome?.summary };
}

const oneSample = (sampleId: string, change: Record<string, unknown>) => {
  const data = new Array<number>(FEATURES).fill(0.25);
  const inputs = { input: { dtype: 'float32', shape: [FEATURES], data } };
  return `${JSON.stringify({ sampleId, label: 0, inputs, ...change })}\n`;
};

describe('samples that a model cannot take', () => {
  it('are unscorable for a reason each, and cost no other sample', async () => {
    const poison = [
      'poison-label',
      'poison-shape',
      'poison-name',
      'poison-form',
      'poison-absent',
      'poison-held',
    ];
    const model = await measured(poison);
    const wide = { input: { dtype: 'float32', shape: [3], data: [1, 2, 3] } };
    // Kept by its owner, at a host that the operator does not allow.
    const elsewhere = { url: 'https://samples.example/1.json', sha256: 'ab'.repeat(32), sizeBytes: 100 };
    const named = { other: { dtype: 'float32', shape: [1], data: [1] } };
    const file = [
      oneSample('poison-label', { label: 99 }),
      oneSample('poison-shape', { inputs: wide }),
      oneSample('poison-name', { inputs: named }),
      `${JSON.stringify({ sampleId: 'poison-form', text: 'no tensor' })}\n`,
      `${JSON.stringify({ sampleId: 'poison-held', reference: elsewhere })}\n`,
    ].join('');
    await bench.samples.store(model.modelId, bytesOf(file));
    await bench.drain(worker);
    const { errors, verification, summary } = await verified(model, await clean());
    expect(errors).toEqual([]);
    expect(verification).toMatchObject({ result: 'INCONCLUSIVE', progress: { status: 'ATTESTED' } });
    expect(summary!.reasons).toContain('UNSCORABLE_SAMPLES');
    expect(summary!.counts.samples).toMatchObject({ UNSCORABLE: 6, NO_RESIDUAL_EVIDENCE: 40 });
    expect(summary!.unscorable).toEqual(
      expect.arrayContaining([
        { role: 'release', code: 'RUNTIME_INPUT_MISMATCH', samples: 4 },
        { role: 'release', code: 'SAMPLE_PAYLOAD_MISSING', samples: 1 },
        { role: 'release', code: 'SAMPLE_HOST_FORBIDDEN', samples: 1 },
      ]),
    );
    const [attestation] = (await bench.attestations.list({ modelId: model.modelId }, { first: 1 })).items;
    const { statement } = await openAttestation(attestation!.jws, bench.keySet);
    expect(statement.predicate.warnings.join(' ')).toContain('RUNTIME_INPUT_MISMATCH');
    expect(statement.predicate.warnings.join(' ')).not.toContain('poison');
  });

  it('are scored once their payload is stored, and only they are run', async () => {
    const late = groupIds('late', 3);
    const model = await measured(late);
    const { releaseId, summary } = await verified(model, await clean());
    expect(summary!.unscorable).toContainEqual({
      role: 'release',
      code: 'SAMPLE_PAYLOAD_MISSING',
      samples: 3,
    });
    await storeSamples(bench, model.modelId, 'late', late);
    expect(await bench.drain(worker)).toEqual([]);
    const again = await latest(releaseId);
    expect(again).toMatchObject({
      cause: 'signals',
      progress: { status: 'ATTESTED', targetPasses: 3n, referencePasses: 6n },
    });
    const outcome = await bench.results.outcome(again.verificationId);
    expect(outcome!.summary.counts.samples.UNSCORABLE).toBe(0);
  });
});

describe('a model that cannot be run', () => {
  it('ends its verification inconclusively, with the reason; the worker goes on', async () => {
    const model = await measured();
    const file = onnxFile(rememberingModel(['controls']));
    const truncated = await storeModel(bench, file.subarray(0, file.length / 2));
    const { errors, verification, summary } = await verified(model, truncated);
    expect(errors).toEqual([]);
    expect(verification).toMatchObject({
      result: 'INCONCLUSIVE',
      progress: { status: 'ATTESTED', targetPasses: 0n },
    });
    expect(summary!.counts.samples.UNSCORABLE).toBe(40);
    expect(summary!.unscorable).toEqual([{ role: 'release', code: 'RUNTIME_MODEL_BROKEN', samples: 40 }]);
    expect((await verified(model, await clean())).verification.result).toBe('PASSED');
  });

  it('gives way to what may pass: the job fails and comes again', async () => {
    const model = await measured();
    const digest = await storeModel(bench, onnxFile(rememberingModel(['controls', 'late'])));
    runtimes.away.add(digest);
    const { releaseId, errors, verification } = await verified(model, digest);
    expect(errors).toEqual([
      expect.objectContaining({ code: 'RUNTIME_UNAVAILABLE', retryable: true }),
      expect.objectContaining({ code: 'RUNTIME_UNAVAILABLE', retryable: true }),
      expect.objectContaining({ code: 'RUNTIME_UNAVAILABLE', retryable: true }),
    ]);
    expect(verification.progress.status).toBe('PLANNED');
    runtimes.away.clear();
    await bench.verifications.resumeUnfinished();
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(releaseId)).toMatchObject({
      result: 'PASSED',
      progress: { targetPasses: 270n, referencePasses: 80n },
    });
  });
});

describe('a reference that cannot be run', () => {
  it('keeps a profile from being frozen, with the reason', async () => {
    const { modelId } = await liveModel(bench, { calibration: 120, controls: 60, forget: 5 });
    const file = onnxFile(rememberingModel([]));
    const artifactDigest = await storeModel(bench, file.subarray(0, file.length / 3));
    const reference = { modelId, role: 'shadow' as const, name: 'broken', artifactDigest };
    await bench.references.register({ ...reference, idempotencyKey: bench.unique('key') }, 'platform:test');
    expect(await bench.drain(worker)).toEqual([]);
    await expect(bench.freeze(modelId)).rejects.toMatchObject({
      code: 'VERIFICATION_SIGNALS_MISSING',
      details: { reasons: 'RUNTIME_MODEL_BROKEN (180)' },
    });
  });
});

describe('two workers on the same block', () => {
  it('count each pass once and keep one version of its signals', async () => {
    const other = await openWorker(database, 'other', runtimes);
    try {
      const model = await measured();
      const releaseId = await model.release(await storeModel(bench, onnxFile(rememberingModel(['late']))));
      const [plan] = await bench.takeJobs('verification.plan');
      await worker.run(plan!);
      const blocks = await bench.takeJobs('verification.block');
      await Promise.all(blocks.flatMap((job) => [worker.run(job), other.run(job)]));
      await bench.drain(worker);
      expect((await latest(releaseId)).progress).toMatchObject({
        status: 'ATTESTED',
        targetPasses: 270n,
        blocksDone: 3,
      });
    } finally {
      await other.close();
    }
  });
});
