import { parseBundle, verifyAttestation, verifyBundle } from '@app/attestation';
import { RecordingService } from '@app/inference';
import { BlockService } from '@app/verification';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  idsOf,
  type Job,
  lossesAround,
  merged,
  openVerification,
  openWorker,
  STRANGER_LOSS,
  syntheticModel,
  type SyntheticModel,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

let database: TestDatabase;
let bench: VerificationBench;
let worker: TestWorker;

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
  worker = await openWorker(database, 'worker-a');
});

afterAll(async () => {
  await worker.close();
  await bench.close();
  await database.close();
});

const chunks = (ids: readonly string[], size: number): string[][] =>
  Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ids.slice(i * size, (i + 1) * size));

async function fileAll(model: SyntheticModel, size = 5): Promise<string[]> {
  const requests: string[] = [];
  for (const samples of chunks(model.forget, size)) requests.push(await bench.file(model.modelId, samples));
  return requests;
}

/** Newest first. */
const verificationsOf = async (modelId: string) =>
  (await bench.verifications.list({ modelId }, { first: 100 })).items;

const latest = async (modelId: string) => (await verificationsOf(modelId))[0]!;

const linesOf = async (verificationId: string): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of bench.results.lines(verificationId)) lines.push(line);
  return lines;
};

/** Checks the verification's attestation with everything there is, offline. */
async function verifyOffline(verificationId: string) {
  const attestation = (await bench.attestations.ofVerification(verificationId))!;
  return verifyAttestation(attestation.jws, {
    keySet: bench.keySet,
    now: new Date(),
    tlogProof: await bench.attestations.tlogProof(attestation),
    results: await linesOf(verificationId),
  });
}

const scoreBlocks = (releaseId: string) =>
  database.admin<{ subject: string; block_index: number; width: number; computed_by: string }[]>`
    select subject, block_index, width, computed_by from lacuna.score_block where release_id = ${releaseId}
    order by subject, block_index, width`;

describe('a release that forgot', () => {
  it('passes, is attested, and everything verifies offline', async () => {
    const model = await syntheticModel(bench);
    const requests = await fileAll(model);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues(model.forget));
    expect(await bench.drain(worker)).toEqual([]);
    const verification = await latest(model.modelId);
    expect(verification).toMatchObject({
      result: 'PASSED',
      treeSize: 40n,
      progress: { status: 'ATTESTED', blocksTotal: 2, blocksDone: 2, blocksReused: 0, signalsRead: 360n },
    });
    const { verificationId } = verification;
    expect(await linesOf(verificationId)).toHaveLength(40);
    const account = await verifyOffline(verificationId);
    expect(account.checks.map(({ outcome }) => outcome)).not.toContain('skipped');
    expect(account.statement.predicate).toMatchObject({ result: 'PASSED', work: { signalsRead: 360 } });
    const bundle = await bench.bundles.forRequest({ requestId: requests[3]!, modelId: model.modelId });
    const bundled = await verifyBundle(parseBundle(bundle), { keySet: bench.keySet, now: new Date() });
    expect(bundled.commitments.map(({ sample }) => sample)).toEqual(model.forget.slice(15, 20));
    expect(bundled.request).toBe(requests[3]);
  });

  it('fails where one request was not forgotten, and names that one only', async () => {
    const model = await syntheticModel(bench);
    const requests = await fileAll(model);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues(model.forget.slice(5)));
    expect(await bench.drain(worker)).toEqual([]);
    const { verificationId, result } = await latest(model.modelId);
    expect(result).toBe('FAILED');
    const residual = await bench.results.requestResults(
      verificationId,
      { verdict: 'RESIDUAL' },
      { first: 10 },
    );
    expect(residual.items.map(({ requestId }) => requestId)).toEqual([requests[0]]);
    const summary = (await bench.results.outcome(verificationId))!.summary;
    expect(summary.counts.samples.RESIDUAL).toBe(5);
    expect(summary.auc).toBeCloseTo(1 - 5 / 80, 1);
    expect(summary.power).toMatchObject({
      perRequest: { rate: 1, groupSize: 5, trials: 16 },
      confidence: 0.95,
    });
  });

  it('waits for a profile when there is none yet', async () => {
    const model = await syntheticModel(bench);
    await fileAll(model);
    const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
    expect(await bench.drain(worker)).toEqual([]);
    expect(await verificationsOf(model.modelId)).toEqual([]);
    await bench.freeze(model.modelId);
    expect(await bench.drain(worker)).toEqual([]);
    expect(await verificationsOf(model.modelId)).toMatchObject([
      { releaseId, result: 'PASSED', cause: 'release' },
    ]);
  });

  it('without a single commitment is INCONCLUSIVE, attested with an empty tree', async () => {
    const model = await syntheticModel(bench);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues([]));
    expect(await bench.drain(worker)).toEqual([]);
    const { verificationId, ...verification } = await latest(model.modelId);
    expect(verification).toMatchObject({ treeSize: 0n, result: 'INCONCLUSIVE' });
    const { statement } = await verifyOffline(verificationId);
    expect(statement.predicate).toMatchObject({ reasons: ['NOTHING_TO_VERIFY'], results: { treeSize: '0' } });
    await fileAll(model);
    expect(await bench.drain(worker)).toEqual([]);
    const grown = (await verificationsOf(model.modelId)).filter(({ treeSize }) => treeSize === 40n).at(-1)!;
    expect((await verifyOffline(grown.verificationId)).statement.predicate.commitmentLog).toMatchObject({
      treeSize: '40',
      consistency: { fromSize: '0', proof: [] },
    });
  });

  it('scores the calibration set under the release itself when it is not frozen', async () => {
    const model = await syntheticModel(bench, { frozen: false });
    await fileAll(model);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues(model.forget));
    expect(await bench.drain(worker)).toEqual([]);
    const { verificationId, progress, result } = await latest(model.modelId);
    expect({ result, blocks: progress.blocksTotal }).toEqual({ result: 'PASSED', blocks: 3 });
    const { statement } = await verifyOffline(verificationId);
    expect(statement.predicate.calibration).toEqual({ mode: 'same-release', size: 150 });
  });

  it('measures offline, with one IN signal for all samples', async () => {
    const signalKind = 'probability';
    const model = await syntheticModel(bench, { signalKind });
    await fileAll(model);
    await bench.freeze(model.modelId, { mode: 'offline' });
    await bench.release(model.modelId, model.releaseValues(model.forget), signalKind);
    expect(await bench.drain(worker)).toEqual([]);
    // 40 commitments and 80 controls: the release's and the shadow's signals only.
    expect(await latest(model.modelId)).toMatchObject({ result: 'PASSED', progress: { signalsRead: 240n } });
  });
});

describe('what is known already', () => {
  it('is never computed again', async () => {
    const model = await syntheticModel(bench);
    await fileAll(model);
    await bench.freeze(model.modelId);
    const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
    await bench.drain(worker);
    const first = await latest(model.modelId);
    const { verificationId: id } = await bench.verifications.request(releaseId, 'operator');
    expect(await bench.drain(worker)).toEqual([]);
    const second = await bench.verifications.get(id);
    expect(second).toMatchObject({
      result: 'PASSED',
      treeSize: first.treeSize,
      progress: { status: 'ATTESTED', blocksTotal: 2, blocksReused: 2, signalsRead: 0n, forwardPasses: 0n },
    });
    expect(await scoreBlocks(releaseId)).toHaveLength(2);
    const scoresOf = (lines: string[]) => lines.map((line) => (JSON.parse(line) as { score: number }).score);
    expect(scoresOf(await linesOf(id))).toEqual(scoresOf(await linesOf(first.verificationId)));
    const { statement } = await verifyOffline(id);
    expect(statement.predicate.previousAttestation?.digest).toBe(
      (await bench.attestations.ofVerification(first.verificationId))?.digest,
    );
    expect(statement.predicate.work).toEqual({ signalsRead: 0, forwardPasses: 0 });
  });

  it('only the blocks that new commitments touch are computed, and of those only what is new', async () => {
    const model = await syntheticModel(bench, { forget: 4120, controls: 400 });
    const old = model.forget.slice(0, 4106);
    for (const samples of chunks(old, 40)) await bench.file(model.modelId, samples);
    await bench.freeze(model.modelId);
    const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(model.modelId)).toMatchObject({ treeSize: 4106n, progress: { blocksTotal: 3 } });
    await bench.file(model.modelId, model.forget.slice(4106));
    expect(await bench.drain(worker)).toEqual([]);
    const grown = await latest(model.modelId);
    expect(grown).toMatchObject({
      treeSize: 4120n,
      cause: 'commitments',
      result: 'PASSED',
      progress: { blocksTotal: 3, blocksReused: 2, signalsRead: 14n * 3n },
    });
    const blocks = await scoreBlocks(releaseId);
    expect(blocks.filter(({ subject }) => subject === 'commitments')).toMatchObject([
      { block_index: 0, width: 4096 },
      { block_index: 1, width: 10 },
      { block_index: 1, width: 24 },
    ]);
    await verifyOffline(grown.verificationId);
    expect(await linesOf(grown.verificationId)).toHaveLength(4120);
    const [first] = (await bench.requests.list({ modelId: model.modelId }, { first: 1 })).items;
    for (const [index, requestId] of [[0, first!.requestId]] as const) {
      const text = await bench.bundles.forRequest({ requestId, modelId: model.modelId });
      const bundle = await verifyBundle(parseBundle(text), { keySet: bench.keySet, now: new Date() });
      expect(bundle.commitments[0]?.leafIndex).toBe(String(index));
    }
  });
});

describe('a missing sample', () => {
  it('is UNSCORABLE and keeps the release from passing until its signal comes', async () => {
    const model = await syntheticModel(bench);
    await fileAll(model);
    await bench.freeze(model.modelId);
    const values = model.releaseValues(model.forget);
    const missing = model.forget[7]!;
    const late = new Map([[missing, values.get(missing)!]]);
    values.delete(missing);
    const releaseId = await bench.release(model.modelId, values);
    expect(await bench.drain(worker)).toEqual([]);
    const before = await latest(model.modelId);
    expect(before.result).toBe('INCONCLUSIVE');
    const [leaf] = await bench.results.leafResultsAt(before.verificationId, [7n]);
    expect(leaf).toMatchObject({ verdict: 'UNSCORABLE', score: null, pResidual: null });
    const { statement } = await verifyOffline(before.verificationId);
    expect(statement.predicate.reasons).toEqual(['UNSCORABLE_SAMPLES']);
    expect(statement.predicate.results.verdicts.samples.UNSCORABLE).toBe(1);
    await bench.releases.addRecording(
      { releaseId, recordingId: await bench.record(late), idempotencyKey: bench.unique('key') },
      'platform:test',
    );
    expect(await bench.drain(worker)).toEqual([]);
    // Only the one sample is measured again: its three signals.
    expect(await latest(model.modelId)).toMatchObject({
      result: 'PASSED',
      cause: 'signals',
      progress: { signalsRead: 3n, blocksReused: 1 },
    });
  });

  it('without any reference signal is UNSCORABLE, too', async () => {
    const model = await syntheticModel(bench);
    await bench.file(model.modelId, ['never-heard-of']);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues([]));
    expect(await bench.drain(worker)).toEqual([]);
    const { verificationId, result } = await latest(model.modelId);
    expect(result).toBe('INCONCLUSIVE');
    expect((await bench.results.leafResults(verificationId, { first: 10 })).items).toMatchObject([
      { index: 0n, verdict: 'UNSCORABLE' },
    ]);
  });
});

describe('workers', () => {
  async function planned(name: string): Promise<{ model: SyntheticModel; releaseId: string; jobs: Job[] }> {
    const model = await syntheticModel(bench);
    await fileAll(model);
    await bench.freeze(model.modelId);
    const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
    for (const job of await bench.takeJobs('verification.plan')) await worker.run(job);
    expect(name).toBeTruthy();
    return { model, releaseId, jobs: await bench.takeJobs('verification.block') };
  }

  it('that race for the same blocks write each once and count each verification right', async () => {
    const other = await openWorker(database, 'worker-b');
    const { model, releaseId, jobs } = await planned('race');
    await Promise.all([...jobs, ...jobs].map((job, i) => (i % 2 ? other : worker).run(job)));
    expect(await scoreBlocks(releaseId)).toHaveLength(2);
    const conclusions = await bench.takeJobs('verification.conclude');
    expect(conclusions.length).toBeGreaterThanOrEqual(1);
    await Promise.all([...conclusions, ...conclusions].map((job, i) => (i % 2 ? other : worker).run(job)));
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(model.modelId)).toMatchObject({
      result: 'PASSED',
      progress: { status: 'ATTESTED', blocksDone: 2, signalsRead: 360n },
    });
    await other.close();
  });

  it('that die in the middle of a block leave nothing behind, and another takes it over', async () => {
    const { model, releaseId, jobs } = await planned('killed');
    const doomed = await openWorker(database, 'doomed');
    const read = vi.spyOn(doomed.app.get(RecordingService, { strict: false }), 'values');
    read.mockRejectedValue(new Error('killed'));
    await expect(doomed.run(jobs[0]!)).rejects.toThrow('killed');
    await doomed.close();
    expect(await scoreBlocks(releaseId)).toEqual([]);
    const heir = await openWorker(database, 'heir');
    for (const job of jobs) await heir.run(job);
    expect((await scoreBlocks(releaseId)).map((block) => block.computed_by)).toEqual(['heir', 'heir']);
    expect(await bench.drain(heir)).toEqual([]);
    expect(await latest(model.modelId)).toMatchObject({ result: 'PASSED' });
    await heir.close();
  });

  it('that are told of the end too early send what is missing once more', async () => {
    const { model, jobs } = await planned('early');
    await worker.run(jobs[0]!);
    await worker.run(jobs[0]!); // delivered twice: counted twice
    const [conclusion] = await bench.takeJobs('verification.conclude');
    await worker.run(conclusion!);
    expect(await latest(model.modelId)).toMatchObject({
      result: null,
      progress: { status: 'SCORING', blocksDone: 1 },
    });
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(model.modelId)).toMatchObject({ result: 'PASSED' });
  });

  it('plan once when the job comes twice', async () => {
    const model = await syntheticModel(bench);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues([]));
    const jobs = await bench.takeJobs('verification.plan');
    for (const job of [...jobs, ...jobs]) await worker.run(job);
    expect(await verificationsOf(model.modelId)).toHaveLength(1);
    await bench.drain(worker);
  });
});

describe('a verification that cannot go on', () => {
  it('is FAILED with its code and does not hold up the next one', async () => {
    const model = await syntheticModel(bench);
    await fileAll(model);
    await bench.freeze(model.modelId);
    const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
    for (const job of await bench.takeJobs('verification.plan')) await worker.run(job);
    const [job] = await bench.takeJobs('verification.block');
    await expect(worker.run({ ...job!, data: { ...job!.data, blockIndex: 99 } })).rejects.toMatchObject({
      code: 'VERIFICATION_RESULTS_CORRUPT',
    });
    expect((await latest(model.modelId)).progress).toMatchObject({
      status: 'FAILED',
      errorCode: 'VERIFICATION_RESULTS_CORRUPT',
    });
    await bench.verifications.request(releaseId, 'operator');
    expect(await bench.drain(worker)).toEqual([]);
    expect(await verificationsOf(model.modelId)).toMatchObject([{ result: 'PASSED' }, { result: null }]);
  });

  it('stays open after an error that may pass, and is FAILED when the tries are used up', async () => {
    const model = await syntheticModel(bench);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues([]));
    for (const job of await bench.takeJobs('verification.plan')) await worker.run(job);
    const [job] = await bench.takeJobs('verification.block');
    const run = vi.spyOn(worker.app.get(BlockService), 'run').mockRejectedValue(new Error('sample 17 burnt'));
    await expect(worker.run(job!)).rejects.toThrow('burnt');
    expect((await latest(model.modelId)).progress.status).toBe('PLANNED');
    await expect(worker.run({ ...job!, lastTry: true })).rejects.toThrow('burnt');
    run.mockRestore();
    expect((await latest(model.modelId)).progress).toMatchObject({
      status: 'FAILED',
      errorCode: 'VERIFICATION_INTERNAL',
      errorMessage: 'an unexpected error; the log has the details',
    });
    await bench.takeJobs();
  });

  it('is found again by resumeUnfinished when its jobs were lost', async () => {
    const model = await syntheticModel(bench);
    await fileAll(model);
    await bench.freeze(model.modelId);
    await bench.release(model.modelId, model.releaseValues(model.forget));
    for (const job of await bench.takeJobs('verification.plan')) await worker.run(job);
    expect(await bench.verifications.resumeUnfinished(), 'its jobs wait').toBe(0);
    await bench.takeJobs('verification.block');
    expect(await bench.verifications.resumeUnfinished()).toBe(1);
    expect(await bench.verifications.resumeUnfinished(), 'its next job waits').toBe(0);
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(model.modelId)).toMatchObject({ result: 'PASSED', progress: { status: 'ATTESTED' } });
    expect(await bench.verifications.resumeUnfinished()).toBe(0);
  });
});

describe('later signals of a reference', () => {
  it('complete the blocks that lacked them', async () => {
    const model = await syntheticModel(bench);
    const late = idsOf('late', 6);
    await bench.file(model.modelId, late);
    await bench.freeze(model.modelId);
    const strangers = lossesAround(late, STRANGER_LOSS, 77);
    await bench.release(model.modelId, merged(model.releaseValues([]), strangers));
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(model.modelId)).toMatchObject({ result: 'INCONCLUSIVE' });
    for (const reference of (await bench.references.list(model.modelId, { first: 10 })).items) {
      const values = lossesAround(late, reference.role === 'original' ? 0.5 : STRANGER_LOSS, 78);
      await bench.references.addRecording(
        {
          referenceId: reference.referenceId,
          recordingId: await bench.record(values),
          idempotencyKey: bench.unique('key'),
        },
        'platform:test',
      );
    }
    expect(await bench.drain(worker)).toEqual([]);
    const completed = await latest(model.modelId);
    expect((await bench.results.leafResults(completed.verificationId, { first: 10 })).items).toHaveLength(6);
    expect(completed.result).toBe('PASSED');
  });
});
