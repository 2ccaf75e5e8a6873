/**
 * Samples that stick together, through the whole path: sets registered with clusters, a profile that compares those, verdicts,
 * attestation, explanation and audit; and what happens to the same signals where single samples are compared.
 */
import { verifyAttestation } from '@app/attestation';
import { auditSampleSets } from '@app/registry';
import { auditVerifications } from '@app/verification';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  lossesAround,
  MEMBER_LOSS,
  merged,
  openVerification,
  openWorker,
  scatter,
  STRANGER_LOSS,
  type TestWorker,
  type Values,
  type VerificationBench,
} from '../support/verification.js';

const ACTOR = 'platform:test';
const CHUNKS = 3;

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

interface Document {
  readonly clusterId: string;
  readonly sampleIds: string[];
}

const documents = (prefix: string, count: number, chunks = CHUNKS): Document[] =>
  Array.from({ length: count }, (_, i) => ({
    clusterId: `${prefix}-${String(i)}`,
    sampleIds: Array.from({ length: chunks }, (_chunk, j) => `${prefix}-${String(i)}/${String(j)}`),
  }));
const chunksOf = (all: readonly Document[]): string[] => all.flatMap(({ sampleIds }) => sampleIds);

/** Losses around `mean` of which nine tenths of the spread are common to the chunks of a document. */
function lossesOfDocuments(all: readonly Document[], mean: number, seed: number): Values {
  const next = scatter(seed);
  return new Map(
    all.flatMap(({ sampleIds }) => {
      const shared = next();
      return sampleIds.map((id) => [id, mean * (0.6 + 0.8 * (0.9 * shared + 0.1 * next()))] as const);
    }),
  );
}

interface ClusteredModel {
  readonly modelId: string;
  readonly requests: readonly string[];
  /** Signals of a release that unlearned everything but the documents of the requests at `kept`. */
  releaseValues(kept: readonly number[], seed: number): Values;
}

/** @param frozen whether the calibration set is scored once, under a trusted release */
async function clusteredModel(frozen: boolean): Promise<ClusteredModel> {
  return modelOf(documents('calibration', 250), documents('control', 60), { frozen, clustered: true });
}

async function modelOf(
  calibration: readonly Document[],
  controls: readonly Document[],
  { frozen, clustered }: { readonly frozen: boolean; readonly clustered: boolean },
): Promise<ClusteredModel> {
  const members = (all: readonly Document[]) =>
    clustered ? { clusters: [...all] } : { sampleIds: chunksOf(all) };
  // One request is smaller than the clusters, one is larger.
  const forget = [...documents('forget', 10), ...documents('short', 1, 1), ...documents('long', 1, 8)];
  const key = () => ({ idempotencyKey: bench.unique('key') });
  const name = bench.unique('model');
  const { modelId } = await bench.models.register({ name, signalKind: 'loss', ...key() }, ACTOR);
  const all = chunksOf([...calibration, ...controls, ...forget]);
  for (const [role, values] of [
    ['original', lossesAround(all, MEMBER_LOSS, 1)],
    ['shadow', lossesAround(all, STRANGER_LOSS, 2)],
  ] as const) {
    const recordingId = await bench.record(values);
    await bench.references.register({ modelId, role, name: role, recordingId, ...key() }, ACTOR);
  }
  const recordingId = await bench.record(lossesOfDocuments(calibration, STRANGER_LOSS, 3));
  await bench.sets.register(
    {
      modelId,
      role: 'calibration',
      name: 'calibration',
      ...(clustered || !frozen ? members(calibration) : {}),
      ...(frozen ? { recordingId, trustedUnder: 'a retrained release' } : {}),
      ...key(),
    },
    ACTOR,
  );
  await bench.sets.register(
    { modelId, role: 'controls', name: 'controls', ...members(controls), ...key() },
    ACTOR,
  );
  const requests: string[] = [];
  for (const { sampleIds } of forget) requests.push(await bench.file(modelId, sampleIds));
  return {
    modelId,
    requests,
    releaseValues: (kept, seed) =>
      merged(
        lossesOfDocuments([...calibration, ...forget], STRANGER_LOSS, seed),
        lossesOfDocuments([...controls, ...kept.map((at) => forget[at]!)], MEMBER_LOSS, seed + 1),
      ),
  };
}

async function verified({ modelId }: ClusteredModel, values: Values) {
  const releaseId = await bench.release(modelId, values);
  expect(await bench.drain(worker)).toEqual([]);
  const [verification] = (await bench.verifications.list({ modelId }, { first: 1 })).items;
  const { verificationId } = verification!;
  const { summary, result } = (await bench.results.outcome(verificationId))!;
  const { jws } = (await bench.attestations.ofVerification(verificationId))!;
  const { statement } = await verifyAttestation(jws, { keySet: bench.keySet, now: new Date() });
  return { releaseId, verificationId, summary, result, predicate: statement.predicate };
}

describe.each([
  ['frozen under a trusted release', true],
  ['scored under each release', false],
])('a model whose calibration set comes in clusters and is %s', (_, frozen) => {
  let model: ClusteredModel;
  beforeAll(async () => {
    model = await clusteredModel(frozen);
    await bench.freeze(model.modelId);
  });

  it('has a profile that compares whole clusters', async () => {
    const { document } = (await bench.profiles.current(model.modelId))!;
    expect(document.decision.groupTest).toBe('whole-clusters');
    const { calibration } = document;
    if (calibration.mode === 'same-release') return;
    expect(calibration.clusters).toHaveLength(750);
    expect(new Set(calibration.clusters).size).toBe(250);
    expect([...calibration.scores].sort((a, b) => a - b)).toEqual(calibration.scores);
  });

  it.each([20, 40, 60, 80])(
    'does not fail a sound release for what its chunks share (seed %d)',
    async (seed) => {
      const { result, summary, predicate } = await verified(model, model.releaseValues([], seed));
      expect(result).toBe('PASSED');
      expect(summary.counts.requests).toMatchObject({ RESIDUAL: 0, NO_RESIDUAL_EVIDENCE: 12 });
      expect(predicate.requestTest).toEqual({
        groupTest: 'whole-clusters',
        assumption: expect.stringContaining('exchangeable with every cluster') as string,
        clusters: { calibration: 250, controls: 60 },
      });
      expect(predicate.profile.parameters['groupTest']).toBe('whole-clusters');
      expect(predicate.warnings).toEqual([]);
    },
  );

  it('fails a release that kept one request, and explains by what it was compared with', async () => {
    const { result, summary } = await verified(model, model.releaseValues([11], 100));
    expect([result, summary.counts.requests.RESIDUAL]).toEqual(['FAILED', 1]);
    const requestId = model.requests[11]!;
    const { explanation } = await bench.explanations.explain({ requestId });
    expect(explanation.verdict).toBe('RESIDUAL');
    expect(explanation.requestTest).toMatchObject({ groupTest: 'whole-clusters' });
    expect(explanation.sentences.join(' ')).toContain('250 clusters of never-trained samples and 60');
  });

  it('judges by any dependence with one sample of each cluster where a profile says so', async () => {
    await bench.freeze(model.modelId, { groupTest: 'any-dependence' });
    await bench.drain(worker);
    const sound = await verified(model, model.releaseValues([], 20));
    expect([sound.result, sound.summary.counts.requests.NO_RESIDUAL_EVIDENCE]).toEqual(['PASSED', 12]);
    expect(sound.predicate.requestTest).toEqual({
      groupTest: 'any-dependence',
      assumption: expect.stringContaining('one of each cluster') as string,
      clusters: { calibration: 250, controls: 60 },
    });
    const { result, summary } = await verified(model, model.releaseValues([0, 4, 11], 100));
    expect([result, summary.counts.requests.RESIDUAL]).toEqual(['FAILED', 3]);
  });

  it('holds a sound release back, and does not fail it, where its chunks would be compared singly', async () => {
    await bench.freeze(model.modelId, { groupTest: 'single-samples' });
    await bench.drain(worker);
    const { result, predicate } = await verified(model, model.releaseValues([], 20));
    expect(result).toBe('INCONCLUSIVE');
    expect(predicate.reasons).toContain('SAMPLES_STICK_TOGETHER');
    expect(predicate.results.verdicts.requests.RESIDUAL).toBe(0);
    expect(predicate.requestTest).toEqual({
      groupTest: 'any-dependence',
      assumption: expect.stringContaining('depend on each other in any way') as string,
    });
    const { explanation } = await bench.explanations.explain({ requestId: model.requests[0]! });
    expect(explanation.sentences.join(' ')).toContain('more than chance allows');
  });

  it('is audited without a finding', async () => {
    expect(await auditVerifications(database.db, bench.keySet)).toEqual([]);
    expect(await auditSampleSets(database.db)).toEqual([]);
  });
});

describe('a model of which nothing is known but that samples of a request may stick together', () => {
  let model: ClusteredModel;
  beforeAll(async () => {
    const strangers = (prefix: string, count: number) => documents(prefix, count, 1);
    const nulls = [strangers('calibration', 600), strangers('control', 60)] as const;
    model = await modelOf(...nulls, { frozen: false, clustered: false });
    await bench.freeze(model.modelId, { groupTest: 'any-dependence' });
  });

  it.each([20, 40, 60, 80])('passes a sound release (seed %d)', async (seed) => {
    const { result, summary, predicate } = await verified(model, model.releaseValues([], seed));
    expect(result).toBe('PASSED');
    expect(summary.counts.requests).toMatchObject({ RESIDUAL: 0, NO_RESIDUAL_EVIDENCE: 12 });
    expect(predicate.requestTest).toEqual({
      groupTest: 'any-dependence',
      assumption: expect.stringContaining('depend on each other in any way') as string,
    });
    expect(predicate.profile.parameters['groupTest']).toBe('any-dependence');
    expect([predicate.reasons, predicate.warnings]).toEqual([[], []]);
  });

  it.each([0, 10, 11])('fails a release that kept the request at %d', async (kept) => {
    const { result, summary } = await verified(model, model.releaseValues([kept], 100 + kept));
    expect([result, summary.counts.requests.RESIDUAL]).toEqual(['FAILED', 1]);
    const { explanation } = await bench.explanations.explain({ requestId: model.requests[kept]! });
    const words = explanation.sentences.join(' ');
    expect(words).toContain('however the samples depend on each other');
    expect(words).not.toContain('more than chance allows');
  });

  it('is audited without a finding', async () => {
    expect(await auditVerifications(database.db, bench.keySet)).toEqual([]);
  });
});
