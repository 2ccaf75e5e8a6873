/** What a schedule and operators do about a release behind an endpoint: real HTTP servers, real ONNX files, real PostgreSQL. */
import { randomUUID } from 'node:crypto';
import { InferenceError } from '@app/inference';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FEATURES } from '../support/live.js';
import { type Classifier, denseClassifier } from '../support/models/classifier.js';
import type { ServedRelease } from '../support/served-release.js';
import {
  ALL,
  COMMITTED,
  DRIFT,
  NOT_UNLEARNED,
  runLocally,
  SAMPLE,
  ServedReleases,
  UNLEARNED,
} from '../support/served-release.js';
import { openWorker } from '../support/verification.js';

let releases: ServedReleases;
let served: ServedRelease;
beforeAll(async () => {
  releases = await ServedReleases.prepare();
});
afterAll(() => releases.close());
beforeEach(async () => {
  served = await releases.open();
});
afterEach(() => served.close());

describe('an endpoint that says what it said', () => {
  it('is asked for a sample, and a fresh attestation stands on what was known', async () => {
    expect(await served.newest()).toMatchObject({ result: 'PASSED', generation: 0 });
    expect(releases.passes).toBe(ALL);
    const before = await served.attestations();
    expect(await served.look()).toEqual({ endpoint: 1 });
    await served.drain();
    expect(served.passes()).toBe(SAMPLE);
    expect(await served.checks()).toMatchObject([
      {
        outcome: 'SAME',
        dueAt: new Date('2027-01-01T03:00:00Z'),
        generation: 0,
        sampled: SAMPLE,
        differing: 0,
        largestDifference: 0,
        tolerance: 0.1,
        errorCode: null,
        seed: '07'.repeat(32),
        checkedBy: 'worker-a',
      },
    ]);
    expect(await served.newest()).toMatchObject({
      result: 'PASSED',
      cause: 'schedule',
      generation: 0,
      progress: { status: 'ATTESTED', targetPasses: 0n, referencePasses: 0n, blocksReused: 3 },
    });
    expect(await served.attestations()).toHaveLength(before.length + 1);
  });

  it('is the same under the noise of its arithmetic', async () => {
    served.serve(jittered(UNLEARNED, 0.01));
    await served.look();
    await served.drain();
    const [check] = await served.checks();
    expect(check).toMatchObject({ outcome: 'SAME', differing: 0 });
    expect(check!.largestDifference).toBeGreaterThan(0);
    expect(check!.largestDifference).toBeLessThan(0.1);
  });

  it('is asked for samples that are there: neither erased ones nor more than known', async () => {
    const { items } = await served.bench.requests.list({}, { first: 100 });
    for (const { requestId } of items)
      await served.bench.erasures.erase(
        { requestId, reason: 'SUBJECT_REQUEST', idempotencyKey: requestId },
        'operator:test',
      );
    served.passes();
    await served.look();
    const [job] = await served.bench.takeJobs('verification.drift');
    const greedy = await openWorker(served.database, 'worker-c', {
      openRuntime: runLocally,
      models: 1,
      drift: { ...DRIFT, sample: 1000 },
    });
    await greedy.run(job!);
    await greedy.close();
    expect(served.passes()).toBe(ALL - COMMITTED);
    expect(await served.checks()).toMatchObject([{ outcome: 'SAME', sampled: ALL - COMMITTED }]);
  });
});

describe('an endpoint behind which the model was exchanged', () => {
  it('has all of its signals measured anew, and the verdict changes', async () => {
    const [before] = await served.attestations();
    served.serve(NOT_UNLEARNED);
    served.passes();
    await served.look();
    await served.drain();
    expect(served.passes()).toBe(SAMPLE + ALL);
    const [check] = await served.checks();
    expect(check).toMatchObject({ outcome: 'DIFFERENT', generation: 0, sampled: SAMPLE, errorCode: null });
    expect(check!.differing).toBeGreaterThan(0);
    expect(await served.newest()).toMatchObject({
      result: 'FAILED',
      generation: 1,
      progress: { status: 'ATTESTED', targetPasses: BigInt(ALL), referencePasses: 0n },
    });
    // What was said at its time stays said.
    expect(await served.bench.attestations.get(before!.attestationId)).toEqual(before);
    expect((await served.stated(before)).result).toBe('PASSED');

    await served.look();
    await served.drain();
    expect(served.passes()).toBe(SAMPLE);
    expect((await served.checks()).map(({ outcome, generation }) => [outcome, generation])).toEqual([
      ['SAME', 1],
      ['DIFFERENT', 0],
    ]);
    expect(await served.newest()).toMatchObject({
      result: 'FAILED',
      generation: 1,
      progress: { targetPasses: 0n },
    });
  });

  it('goes on where it was left: after the check, and in the middle of the measurement', async () => {
    served.serve(NOT_UNLEARNED);
    await served.look();
    await served.runJobs('verification.drift');
    expect(await served.newest()).toMatchObject({ generation: 0 });
    await served.runJobs('verification.plan', served.other);
    const [first] = await served.bench.takeJobs('verification.block');
    await served.other.run(first!);
    // The other blocks' jobs are gone with whoever had them.
    expect(await served.bench.verifications.resumeUnfinished()).toBe(1);
    await served.drain();
    expect(await served.newest()).toMatchObject({
      result: 'FAILED',
      generation: 1,
      progress: { status: 'ATTESTED', targetPasses: BigInt(ALL) },
    });
    expect(await served.checks()).toHaveLength(1);
  });

  it('is measured although the verification that was asked for got lost', async () => {
    served.serve(NOT_UNLEARNED);
    await served.look();
    await served.runJobs('verification.drift');
    await served.bench.takeJobs('verification.plan');
    await served.look();
    served.passes();
    await served.drain();
    // Nothing of the new generation was known to compare.
    expect(await served.checks()).toHaveLength(1);
    expect(served.passes()).toBe(ALL);
    expect(await served.newest()).toMatchObject({ result: 'FAILED', generation: 1 });
  });

  it('lets no verification be attested that began before', async () => {
    await served.look();
    for (const name of ['verification.drift', 'verification.plan', 'verification.conclude'] as const)
      await served.runJobs(name);
    const { verificationId } = await served.newest();
    served.serve(NOT_UNLEARNED);
    const now = new Date('2027-02-01T03:00:00Z');
    await served.worker.run({
      id: randomUUID(),
      name: 'verification.drift',
      data: { releaseId: served.releaseId, dueAt: now.toISOString() },
    });
    await served.drain();
    const overtaken = await served.bench.verifications.get(verificationId);
    expect(overtaken).toMatchObject({
      generation: 0,
      progress: { status: 'FAILED', errorCode: 'VERIFICATION_SUPERSEDED' },
    });
    expect(await served.newest()).toMatchObject({ result: 'FAILED', generation: 1 });
  });

  it('says why where another shape is wanted now', async () => {
    served.serve(denseClassifier(1, [FEATURES + 1, 4]));
    await served.look();
    await served.drain();
    expect(await served.checks()).toMatchObject([
      {
        outcome: 'DIFFERENT',
        sampled: SAMPLE,
        differing: SAMPLE,
        largestDifference: null,
        errorCode: 'RUNTIME_INPUT_MISMATCH',
      },
    ]);
    expect(await served.newest()).toMatchObject({ result: 'INCONCLUSIVE', generation: 1 });
    expect((await served.stated()).warnings).toContain(
      '40 committed samples have no signal under the release: RUNTIME_INPUT_MISMATCH.',
    );
  });

  it('says why where a sample breaks it that did not before', async () => {
    let poison: string | undefined;
    served.server.fault = ({ path, body }) => {
      if (!path.endsWith('/infer')) return null;
      const { inputs } = JSON.parse(body.toString()) as { inputs: { data: number[] }[] };
      const data = inputs[0]!.data.flat();
      const rows = Array.from({ length: data.length / FEATURES }, (_, row) =>
        data.slice(row * FEATURES, (row + 1) * FEATURES).join(),
      );
      poison ??= rows[0];
      return rows.includes(poison!) ? { status: 400, body: '{}' } : null;
    };
    await served.look();
    await served.drain();
    expect(await served.checks()).toMatchObject([
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
    const before = await served.attestations();
    served.server.fault = (_request, response) => (response.destroy(), 'handled');
    await served.look();
    const [job] = await served.bench.takeJobs('verification.drift');
    await expect(served.worker.run(job!)).rejects.toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      retryable: true,
    });
    expect(await served.checks()).toEqual([]);
    await served.worker.run({ ...job!, lastTry: true });
    expect(await served.checks()).toMatchObject([
      {
        outcome: 'UNREACHABLE',
        sampled: 0,
        differing: 0,
        largestDifference: null,
        errorCode: 'RUNTIME_UNAVAILABLE',
      },
    ]);
    await served.drain();
    expect(await served.attestations()).toEqual(before);

    served.server.fault = null;
    expect(await served.look()).toEqual({ endpoint: 1 });
    await served.drain();
    expect((await served.checks()).map(({ outcome }) => outcome)).toEqual(['SAME', 'UNREACHABLE']);
    expect(await served.attestations()).toHaveLength(before.length + 1);
  });

  it.each([
    [401, 'RUNTIME_ENDPOINT_REFUSED'],
    [404, 'RUNTIME_ENDPOINT_REFUSED'],
  ])('with status %i has not drifted', async (status, errorCode) => {
    served.server.fault = () => ({ status, body: '' });
    await served.look();
    await served.worker.run(await served.lastTry());
    expect(await served.checks()).toMatchObject([{ outcome: 'UNREACHABLE', errorCode }]);
  });

  it('because this worker may not contact it has not drifted either', async () => {
    const forbidden = await openWorker(served.database, 'worker-c', {
      openRuntime: () => Promise.reject(new InferenceError('RUNTIME_ENDPOINT_FORBIDDEN', 'not allowed')),
      models: 1,
      drift: DRIFT,
    });
    await served.look();
    await forbidden.run(await served.lastTry());
    await forbidden.close();
    expect(await served.checks()).toMatchObject([
      { outcome: 'UNREACHABLE', errorCode: 'RUNTIME_ENDPOINT_FORBIDDEN' },
    ]);
  });

  it('because no sample can be read any more has not drifted, and is not asked', async () => {
    const breakAll = (where: string) =>
      served.database.admin.unsafe(`update lacuna.vault_content
        set ciphertexts = decode(repeat('00', octet_length(ciphertexts)), 'hex') where ${where}`);
    await breakAll(
      `segment_id = (select segment_id from lacuna.vault_segment order by stored_at desc limit 1)`,
    );
    served.passes();
    await served.look();
    await served.drain();
    // Commitments were stored last: half of the sample, which is left out.
    expect(await served.checks()).toMatchObject([{ outcome: 'SAME', sampled: SAMPLE / 2, errorCode: null }]);
    await breakAll('true');
    await served.look();
    await served.drain();
    expect((await served.checks())[0]).toMatchObject({
      outcome: 'UNREACHABLE',
      sampled: 0,
      errorCode: 'VAULT_ITEM_BROKEN',
    });
    expect(served.passes()).toBe(SAMPLE / 2);
  });

  it('half way through is no difference', async () => {
    let asked = 0;
    // The first is refused for its size, and of its halves one is answered.
    served.serve(NOT_UNLEARNED, { maxBatch: SAMPLE / 2 });
    served.server.fault = ({ path }) =>
      path.endsWith('/infer') && (asked += 1) > 2 ? { status: 503, body: '' } : null;
    await served.look();
    await served.worker.run(await served.lastTry());
    expect(await served.checks()).toMatchObject([
      { outcome: 'UNREACHABLE', errorCode: 'RUNTIME_UNAVAILABLE' },
    ]);
  });
});

describe('one due time', () => {
  it('has one check of a release, however often it is served', async () => {
    served.serve(NOT_UNLEARNED);
    await Promise.all([served.look(), served.lookAgain()]);
    const jobs = await served.bench.takeJobs('verification.drift');
    expect(jobs).toHaveLength(2);
    const outcomes = await Promise.allSettled([served.worker.run(jobs[0]!), served.other.run(jobs[1]!)]);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'VERIFICATION_DRIFT_CHECK_RACE', retryable: true });
    // As the queue does with what may pass, and with what it delivers twice.
    for (const job of jobs) await served.worker.run(job);
    expect(await served.checks()).toHaveLength(1);
    expect(await served.bench.takeJobs('verification.plan')).toHaveLength(1);
  });
});

describe('an operator who asks for a verification', () => {
  const ask = () => served.bench.verifications.request(served.releaseId, 'operator');

  it('has the endpoint asked first, and the verification that was promised stands on the answer', async () => {
    served.passes();
    const { verificationId, driftCheckDueAt } = await ask();
    expect(await served.bench.verifications.find(verificationId)).toBeNull();
    await served.drain();
    expect(served.passes()).toBe(SAMPLE);
    expect(await served.checks()).toMatchObject([{ outcome: 'SAME', dueAt: driftCheckDueAt }]);
    expect(await served.newest()).toMatchObject({
      verificationId,
      cause: 'operator',
      progress: { status: 'ATTESTED', targetPasses: 0n },
    });
  });

  it('has everything measured anew where the model was exchanged', async () => {
    served.serve(NOT_UNLEARNED);
    const { verificationId } = await ask();
    await served.drain();
    expect(await served.checks()).toMatchObject([{ outcome: 'DIFFERENT', generation: 0 }]);
    expect(await served.newest()).toMatchObject({
      verificationId,
      result: 'FAILED',
      generation: 1,
      progress: { status: 'ATTESTED', targetPasses: BigInt(ALL) },
    });
  });

  it('gets no verification from an endpoint that gives no answer', async () => {
    served.server.fault = (_request, response) => (response.destroy(), 'handled');
    const before = await served.attestations();
    const { verificationId, driftCheckDueAt } = await ask();
    await served.worker.run(await served.lastTry());
    await served.drain();
    expect(await served.checks()).toMatchObject([{ outcome: 'UNREACHABLE', dueAt: driftCheckDueAt }]);
    expect(await served.bench.verifications.find(verificationId)).toBeNull();
    expect(await served.attestations()).toEqual(before);
  });

  it('may ask twice at once: two checks, one new generation, and each gets the verification', async () => {
    served.serve(NOT_UNLEARNED);
    const asked = await Promise.all([ask(), ask()]);
    const jobs = await served.bench.takeJobs('verification.drift');
    const outcomes = await Promise.allSettled([served.worker.run(jobs[0]!), served.other.run(jobs[1]!)]);
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ code: 'VERIFICATION_DRIFT_CHECK_RACE', retryable: true });
      await served.worker.run(jobs[i]!);
    }
    await served.drain();
    for (const { verificationId } of asked)
      expect(await served.bench.verifications.get(verificationId)).toMatchObject({
        result: 'FAILED',
        generation: 1,
        progress: { status: 'ATTESTED' },
      });
    const different = (await served.checks()).filter(({ outcome }) => outcome === 'DIFFERENT');
    expect(different).toHaveLength(1);
  });

  it('in the very moment of another shares its check, and a job that comes twice does nothing twice', async () => {
    const first = await ask();
    const [job] = await served.bench.takeJobs('verification.drift');
    const second = { ...job!, id: randomUUID() };
    served.passes();
    for (const one of [job!, second, job!, second]) await served.worker.run(one);
    expect(served.passes()).toBe(SAMPLE);
    expect(await served.checks()).toHaveLength(1);
    const plans = await served.bench.takeJobs('verification.plan');
    expect(plans.map(({ id }) => id)).toEqual([first.verificationId, second.id]);
    for (const plan of [...plans, ...plans]) await served.worker.run(plan);
    await served.drain();
    for (const { id } of plans)
      expect((await served.bench.verifications.get(id)).progress.status).toBe('ATTESTED');
    await served.worker.run(job!);
    expect(await served.bench.takeJobs('verification.plan')).toEqual([]);
  });

  it('about a release that is not current any more has its endpoint asked, too', async () => {
    await served.register();
    await served.drain();
    const { verificationId } = await ask();
    await served.drain();
    expect(await served.checks()).toMatchObject([{ outcome: 'SAME' }]);
    expect((await served.bench.verifications.get(verificationId)).releaseId).toBe(served.releaseId);
  });

  it('about all current releases has each endpoint asked', async () => {
    const [requested] = await served.bench.verifications.requestCurrentReleases('operator');
    await served.drain();
    expect(await served.checks()).toMatchObject([{ outcome: 'SAME', dueAt: requested!.driftCheckDueAt }]);
    expect((await served.newest()).verificationId).toBe(requested!.verificationId);
  });

  it('before anything is known of it has it measured', async () => {
    const second = await served.register();
    await served.bench.takeJobs();
    const { verificationId } = await served.bench.verifications.request(second, 'operator');
    await served.drain();
    expect(await served.checks(second)).toEqual([]);
    expect(await served.newest(second)).toMatchObject({ verificationId, progress: { status: 'ATTESTED' } });
  });
});

it('a new profile is measured on what the endpoint still says', async () => {
  await served.bench.freeze(served.model.modelId, { levels: 10 });
  await served.drain();
  expect(await served.checks()).toMatchObject([{ outcome: 'SAME' }]);
  expect(await served.newest()).toMatchObject({ cause: 'operator', progress: { status: 'ATTESTED' } });
});

it('another release with the same address is measured itself', async () => {
  served.serve(NOT_UNLEARNED);
  served.passes();
  const second = await served.register();
  await served.drain();
  expect(served.passes()).toBe(ALL);
  expect(await served.newest(second)).toMatchObject({ result: 'FAILED', generation: 0 });
  expect(await served.newest()).toMatchObject({ result: 'PASSED' });
  // The schedule asks for the current one.
  expect(await served.look()).toEqual({ endpoint: 1 });
  await served.drain();
  expect(await served.checks(second)).toMatchObject([{ outcome: 'SAME' }]);
  expect(await served.checks()).toEqual([]);
});

/** The same model, computed a little otherwise. */
function jittered(classifier: Classifier, by: number): Classifier {
  const layers = classifier.layers.map((layer) => ({
    ...layer,
    weights: layer.weights.map((weight, i) => weight + (i % 2 === 0 ? by : -by)),
  }));
  return { ...classifier, layers };
}
