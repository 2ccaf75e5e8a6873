/** What a schedule does about a release behind an endpoint: real HTTP servers, real ONNX files, real PostgreSQL. */
import { openAttestation } from '@app/attestation';
import { InferenceError, loadLocalRuntime, openRuntime, type RuntimeSource } from '@app/inference';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EndpointServer } from '../support/endpoint-server.js';
import { FEATURES, type LiveModel, liveModel, rememberingModel } from '../support/live.js';
import { type Classifier, denseClassifier } from '../support/models/classifier.js';
import { openInferenceServer, type ServedClassifier } from '../support/open-inference-server.js';
import { runtimeOptions } from '../support/runtime-options.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  type Job,
  openVerification,
  openWorker,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

const SAMPLE = 16;
/** Calibration, controls and commitments of a model. */
const ALL = 150 + 80 + 40;

const unlearned = rememberingModel(['controls']);
const notUnlearned = rememberingModel(['controls', 'forget']);

let database: TestDatabase;
let bench: VerificationBench;
let worker: TestWorker;
let other: TestWorker;
let server: EndpointServer;
let served: { [name: string]: ServedClassifier };
let model: LiveModel;
let releaseId: string;
let day: number;

/** Files are run in this process, endpoints asked over HTTP. */
const open = ({ declaration, directory }: RuntimeSource) => {
  const options = runtimeOptions({ endpoints: { hosts: ['127.0.0.1'], tokens: new Map() } });
  if (declaration.kind !== 'onnx') return openRuntime({ declaration, directory }, options);
  return loadLocalRuntime({ declaration, directory: directory! }, options);
};
const drift = { sample: SAMPLE, tolerance: 0.05, newSeed: () => new Uint8Array(32).fill(7) };
const serve = (classifier: Classifier) => (served['m'] = { classifier });

beforeEach(async () => {
  day = 0;
  served = {};
  serve(unlearned);
  server = openInferenceServer(served);
  await server.listen();
  database = await testDatabase();
  bench = await openVerification(database);
  worker = await openWorker(database, 'worker-a', { openRuntime: open, models: 3, drift });
  other = await openWorker(database, 'worker-b', { openRuntime: open, models: 3, drift });
  model = await liveModel(bench);
  for (let i = 0; i < model.forget.length; i += 5)
    await bench.file(model.modelId, model.forget.slice(i, i + 5));
  await bench.drain(worker);
  await bench.freeze(model.modelId);
  releaseId = await model.release(await endpoint());
  expect(await bench.drain(worker)).toEqual([]);
});

afterEach(async () => {
  await worker.close();
  await other.close();
  await bench.close();
  await server.close().catch(() => undefined);
  await database.close();
});

const endpoint = async () =>
  (
    await bench.artifacts.storeEndpoint(
      { kind: 'open-inference', url: server.url, model: 'm', outputForm: 'logits' },
      'platform:test',
    )
  ).artifactDigest;
/** As the schedule asks, a day later each time. */
const look = () => {
  const now = new Date(Date.UTC(2027, 0, (day += 1), 3));
  return bench.reverifications.requestDue({ dueAt: now, now, next: new Date(now.getTime() + 86_400_000) });
};
const drain = async () => expect(await bench.drain(worker)).toEqual([]);
const newest = async (of = releaseId) =>
  (await bench.verifications.list({ releaseId: of }, { first: 1 })).items[0]!;
const checks = async (of = releaseId) =>
  (await bench.driftChecks.list({ releaseId: of }, { first: 100 })).items;
const attestations = async () =>
  (await bench.attestations.list({ modelId: model.modelId }, { first: 100 })).items;
const statementOf = async (jws: string) => (await openAttestation(jws, bench.keySet)).statement.predicate;
const latestStatement = async () => statementOf((await bench.attestations.latest(model.modelId))!.jws);
/** Samples that the server was sent since the last call. */
const passes = () =>
  server.received.splice(0).reduce((sum, { path, body }) => {
    if (!path.endsWith('/infer')) return sum;
    return sum + (JSON.parse(body.toString()) as { inputs: { shape: number[] }[] }).inputs[0]!.shape[0]!;
  }, 0);
/** The job that a look asked for, as the queue delivers it when it gives up afterwards. */
const lastTry = async (): Promise<Job> => {
  const [job] = await bench.takeJobs('verification.drift');
  return { ...job!, lastTry: true };
};

describe('an endpoint that says what it said', () => {
  it('is asked for a sample, and a fresh attestation stands on what was known', async () => {
    expect(await newest()).toMatchObject({ result: 'PASSED', generation: 0 });
    expect(passes()).toBe(ALL);
    const before = await attestations();
    expect(await look()).toEqual({ endpoint: 1 });
    await drain();
    expect(passes()).toBe(SAMPLE);
    expect(await checks()).toMatchObject([
      {
        outcome: 'SAME',
        dueAt: new Date('2027-01-01T03:00:00Z'),
        generation: 0,
        sampled: SAMPLE,
        differing: 0,
        largestDifference: 0,
        tolerance: 0.05,
        errorCode: null,
        seed: '07'.repeat(32),
        checkedBy: 'worker-a',
      },
    ]);
    expect(await newest()).toMatchObject({
      result: 'PASSED',
      cause: 'schedule',
      generation: 0,
      progress: { status: 'ATTESTED', targetPasses: 0n, referencePasses: 0n, blocksReused: 3 },
    });
    expect(await attestations()).toHaveLength(before.length + 1);
  });

  it('is the same under the noise of its arithmetic', async () => {
    serve(jittered(unlearned, 0.01));
    await look();
    await drain();
    const [check] = await checks();
    expect(check).toMatchObject({ outcome: 'SAME', differing: 0 });
    expect(check!.largestDifference).toBeGreaterThan(0);
    expect(check!.largestDifference).toBeLessThan(0.05);
  });

  it('is asked for samples that are there: neither erased ones nor more than known', async () => {
    const { items } = await bench.requests.list({}, { first: 100 });
    for (const { requestId } of items)
      await bench.erasures.erase(
        { requestId, reason: 'SUBJECT_REQUEST', idempotencyKey: requestId },
        'operator:test',
      );
    passes();
    await look();
    const [job] = await bench.takeJobs('verification.drift');
    const greedy = await openWorker(database, 'worker-c', {
      openRuntime: open,
      models: 1,
      drift: { ...drift, sample: 1000 },
    });
    await greedy.run(job!);
    await greedy.close();
    expect(passes()).toBe(ALL - 40);
    expect(await checks()).toMatchObject([{ outcome: 'SAME', sampled: ALL - 40 }]);
  });
});

describe('an endpoint behind which the model was exchanged', () => {
  it('has all of its signals measured anew, and the verdict changes', async () => {
    const [before] = await attestations();
    serve(notUnlearned);
    passes();
    await look();
    await drain();
    expect(passes()).toBe(SAMPLE + ALL);
    const [check] = await checks();
    expect(check).toMatchObject({ outcome: 'DIFFERENT', generation: 0, sampled: SAMPLE, errorCode: null });
    expect(check!.differing).toBeGreaterThan(0);
    expect(await newest()).toMatchObject({
      result: 'FAILED',
      generation: 1,
      progress: { status: 'ATTESTED', targetPasses: BigInt(ALL), referencePasses: 0n },
    });
    // What was said at its time stays said.
    expect(await bench.attestations.get(before!.attestationId)).toEqual(before);
    expect((await statementOf(before!.jws)).result).toBe('PASSED');

    await look();
    await drain();
    expect(passes()).toBe(SAMPLE);
    expect((await checks()).map(({ outcome, generation }) => [outcome, generation])).toEqual([
      ['SAME', 1],
      ['DIFFERENT', 0],
    ]);
    expect(await newest()).toMatchObject({ result: 'FAILED', generation: 1, progress: { targetPasses: 0n } });
  });

  it('goes on where it was left: after the check, and in the middle of the measurement', async () => {
    serve(notUnlearned);
    await look();
    for (const job of await bench.takeJobs('verification.drift')) await worker.run(job);
    expect(await newest()).toMatchObject({ generation: 0 });
    for (const job of await bench.takeJobs('verification.plan')) await other.run(job);
    const [first] = await bench.takeJobs('verification.block');
    await other.run(first!);
    // The other blocks' jobs are gone with whoever had them.
    expect(await bench.verifications.resumeUnfinished()).toBe(1);
    await drain();
    expect(await newest()).toMatchObject({
      result: 'FAILED',
      generation: 1,
      progress: { status: 'ATTESTED', targetPasses: BigInt(ALL) },
    });
    expect(await checks()).toHaveLength(1);
  });

  it('is measured although the verification that was asked for got lost', async () => {
    serve(notUnlearned);
    await look();
    for (const job of await bench.takeJobs('verification.drift')) await worker.run(job);
    await bench.takeJobs('verification.plan');
    await look();
    passes();
    await drain();
    // Nothing of the new generation was known to compare.
    expect(await checks()).toHaveLength(1);
    expect(passes()).toBe(ALL);
    expect(await newest()).toMatchObject({ result: 'FAILED', generation: 1 });
  });

  it('lets no verification be attested that began before', async () => {
    await bench.verifications.request(releaseId, 'operator');
    for (const name of ['verification.plan', 'verification.conclude'] as const)
      for (const job of await bench.takeJobs(name)) await worker.run(job);
    const { verificationId } = await newest();
    serve(notUnlearned);
    const now = new Date('2027-02-01T03:00:00Z');
    await worker.run({
      id: 'a job',
      name: 'verification.drift',
      data: { releaseId, dueAt: now.toISOString() },
    });
    await drain();
    const overtaken = await bench.verifications.get(verificationId);
    expect(overtaken).toMatchObject({
      generation: 0,
      progress: { status: 'FAILED', errorCode: 'VERIFICATION_SUPERSEDED' },
    });
    expect(await newest()).toMatchObject({ result: 'FAILED', generation: 1 });
  });

  it('says why where another shape is wanted now', async () => {
    serve(denseClassifier(1, [FEATURES + 1, 4]));
    await look();
    await drain();
    expect(await checks()).toMatchObject([
      {
        outcome: 'DIFFERENT',
        sampled: SAMPLE,
        differing: SAMPLE,
        largestDifference: null,
        errorCode: 'RUNTIME_INPUT_MISMATCH',
      },
    ]);
    expect(await newest()).toMatchObject({ result: 'INCONCLUSIVE', generation: 1 });
    expect((await latestStatement()).warnings).toContain(
      '40 committed samples have no signal under the release: RUNTIME_INPUT_MISMATCH.',
    );
  });

  it('says why where a sample breaks it that did not before', async () => {
    let poison: string | undefined;
    server.fault = ({ path, body }) => {
      if (!path.endsWith('/infer')) return null;
      const { inputs } = JSON.parse(body.toString()) as { inputs: { data: number[] }[] };
      const data = inputs[0]!.data.flat();
      const rows = Array.from({ length: data.length / FEATURES }, (_, row) =>
        data.slice(row * FEATURES, (row + 1) * FEATURES).join(),
      );
      poison ??= rows[0];
      return rows.includes(poison!) ? { status: 400, body: '{}' } : null;
    };
    await look();
    await drain();
    expect(await checks()).toMatchObject([
      {
        outcome: 'DIFFERENT',
        sampled: SAMPLE,
        differing: 1,
        largestDifference: 0,
        errorCode: 'RUNTIME_ENDPOINT_REFUSED',
      },
    ]);
  });
});

describe('an endpoint that gives no answer', () => {
  it('is tried again, then told, and nothing is attested on what it said before', async () => {
    const before = await attestations();
    server.fault = () => ({ status: 503, body: '' });
    await look();
    const [job] = await bench.takeJobs('verification.drift');
    await expect(worker.run(job!)).rejects.toMatchObject({ code: 'RUNTIME_UNAVAILABLE', retryable: true });
    expect(await checks()).toEqual([]);
    await worker.run({ ...job!, lastTry: true });
    expect(await checks()).toMatchObject([
      {
        outcome: 'UNREACHABLE',
        sampled: 0,
        differing: 0,
        largestDifference: null,
        errorCode: 'RUNTIME_UNAVAILABLE',
      },
    ]);
    await drain();
    expect(await attestations()).toEqual(before);

    server.fault = null;
    expect(await look()).toEqual({ endpoint: 1 });
    await drain();
    expect((await checks()).map(({ outcome }) => outcome)).toEqual(['SAME', 'UNREACHABLE']);
    expect(await attestations()).toHaveLength(before.length + 1);
  });

  it.each([
    [401, 'RUNTIME_ENDPOINT_REFUSED'],
    [404, 'RUNTIME_ENDPOINT_REFUSED'],
  ])('with status %i has not drifted', async (status, errorCode) => {
    server.fault = () => ({ status, body: '' });
    await look();
    await worker.run(await lastTry());
    expect(await checks()).toMatchObject([{ outcome: 'UNREACHABLE', errorCode }]);
  });

  it('because this worker may not contact it has not drifted either', async () => {
    const forbidden = await openWorker(database, 'worker-c', {
      openRuntime: () => Promise.reject(new InferenceError('RUNTIME_ENDPOINT_FORBIDDEN', 'not allowed')),
      models: 1,
      drift,
    });
    await look();
    await forbidden.run(await lastTry());
    await forbidden.close();
    expect(await checks()).toMatchObject([
      { outcome: 'UNREACHABLE', errorCode: 'RUNTIME_ENDPOINT_FORBIDDEN' },
    ]);
  });

  it('half way through is no difference', async () => {
    let asked = 0;
    // The first is refused for its size, and of its halves one is answered.
    served['m'] = { classifier: notUnlearned, maxBatch: SAMPLE / 2 };
    server.fault = ({ path }) =>
      path.endsWith('/infer') && (asked += 1) > 2 ? { status: 503, body: '' } : null;
    await look();
    await worker.run(await lastTry());
    expect(await checks()).toMatchObject([{ outcome: 'UNREACHABLE', errorCode: 'RUNTIME_UNAVAILABLE' }]);
  });
});

describe('one due time', () => {
  it('has one check of a release, however often it is served', async () => {
    serve(notUnlearned);
    await Promise.all([look(), ((day -= 1), look())]);
    const jobs = await bench.takeJobs('verification.drift');
    expect(jobs).toHaveLength(2);
    const outcomes = await Promise.allSettled([worker.run(jobs[0]!), other.run(jobs[1]!)]);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'VERIFICATION_DRIFT_CHECK_RACE', retryable: true });
    // As the queue does with what may pass, and with what it delivers twice.
    for (const job of jobs) await worker.run(job);
    expect(await checks()).toHaveLength(1);
    expect(await bench.takeJobs('verification.plan')).toHaveLength(1);
  });
});

it('another release with the same address is measured itself', async () => {
  serve(notUnlearned);
  passes();
  const second = await model.release(await endpoint());
  await drain();
  expect(passes()).toBe(ALL);
  expect(await newest(second)).toMatchObject({ result: 'FAILED', generation: 0 });
  expect(await newest(releaseId)).toMatchObject({ result: 'PASSED' });
  // The schedule asks for the current one.
  expect(await look()).toEqual({ endpoint: 1 });
  await drain();
  expect(await checks(second)).toMatchObject([{ outcome: 'SAME' }]);
  expect(await checks(releaseId)).toEqual([]);
});

/** The same model, computed a little otherwise. */
function jittered(classifier: Classifier, by: number): Classifier {
  const layers = classifier.layers.map((layer) => ({
    ...layer,
    weights: layer.weights.map((weight, i) => weight + (i % 2 === 0 ? by : -by)),
  }));
  return { ...classifier, layers };
}
