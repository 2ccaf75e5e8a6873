/** Drift checks of a language model behind a completions endpoint: its references are endpoints, too, and stay as measured. */
import { openAttestation } from '@app/attestation';
import { profileWarnings } from '@app/verification';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { completionsServer, RecurrentModel } from '../support/completions-server.js';
import type { EndpointServer } from '../support/endpoint-server.js';
import { bytesOf } from '../support/registry.js';
import { DRIFT, runLocally, SAMPLE } from '../support/served-release.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  idsOf,
  openVerification,
  openWorker,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

const ACTOR = 'platform:test';
const SETS = { calibration: 120, controls: 60 } as const;
const FORGOTTEN = 20;

let database: TestDatabase;
let bench: VerificationBench;
let worker: TestWorker;
let modelId: string;
/** What answers for the release now. */
let answering = new RecurrentModel(3);
const servers: EndpointServer[] = [];

/** Artifact of an endpoint that `model` answers for. */
async function endpointOf(model: RecurrentModel): Promise<string> {
  const server = completionsServer(model);
  await server.listen();
  servers.push(server);
  const declaration = { kind: 'openai-completions', url: server.url, model: 'tiny', form: 'prompt-logprobs' };
  return (await bench.artifacts.storeEndpoint(declaration, ACTOR)).artifactDigest;
}

const key = () => ({ idempotencyKey: bench.unique('key') });
const store = (ids: readonly string[]) =>
  bench.samples.store(
    modelId,
    bytesOf(
      ids.map((sampleId) => `${JSON.stringify({ sampleId, text: `A text called ${sampleId}.` })}\n`).join(''),
    ),
  );

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
  worker = await openWorker(database, 'worker', { openRuntime: runLocally, models: 4, drift: DRIFT });
  ({ modelId } = await bench.models.register({ name: 'chat', signalKind: 'loss', ...key() }, ACTOR));
  for (const [role, seed] of [
    ['original', 1],
    ['shadow', 2],
  ] as const) {
    const artifactDigest = await endpointOf(new RecurrentModel(seed));
    await bench.references.register({ modelId, role, name: role, artifactDigest, ...key() }, ACTOR);
  }
  for (const role of ['calibration', 'controls'] as const) {
    const sampleIds = idsOf(role, SETS[role]);
    await store(sampleIds);
    await bench.sets.register({ modelId, role, name: role, sampleIds, ...key() }, ACTOR);
  }
  const forgotten = idsOf('forget', FORGOTTEN);
  await store(forgotten);
  await bench.file(modelId, forgotten);
  expect(await bench.drain(worker)).toEqual([]);
  await bench.freeze(modelId);
});
afterAll(async () => {
  await worker.close();
  await bench.close();
  for (const server of servers) await server.close();
  await database.close();
});

it('the same weights are the same, others begin a generation, and references are not asked again', async () => {
  const served = Object.assign(new RecurrentModel(0), {
    logProbabilities: (ids: readonly number[]) => answering.logProbabilities(ids),
  });
  const artifactDigest = await endpointOf(served);
  const { releaseId } = await bench.releases.register(
    { modelId, name: 'r', artifactDigest, ...key() },
    ACTOR,
  );
  expect(await bench.drain(worker)).toEqual([]);
  const newest = async () => (await bench.verifications.list({ releaseId }, { first: 1 })).items[0]!;
  const total = BigInt(SETS.calibration + SETS.controls + FORGOTTEN);
  expect(await newest()).toMatchObject({ progress: { status: 'ATTESTED', targetPasses: total } });

  const look = async (day: number) => {
    const now = new Date(Date.UTC(2027, 0, day));
    await bench.reverifications.requestDue({ dueAt: now, now, next: new Date(Date.UTC(2027, 0, day + 1)) });
    expect(await bench.drain(worker)).toEqual([]);
  };
  await look(1);
  expect(await newest()).toMatchObject({
    generation: 0,
    progress: { targetPasses: 0n, referencePasses: 0n },
  });
  answering = new RecurrentModel(4);
  await look(2);
  expect(await newest()).toMatchObject({
    generation: 1,
    progress: { targetPasses: total, referencePasses: 0n },
  });
  const { items } = await bench.driftChecks.list({ releaseId }, { first: 10 });
  expect(items).toMatchObject([
    { outcome: 'DIFFERENT', sampled: SAMPLE },
    { outcome: 'SAME', sampled: SAMPLE, largestDifference: 0 },
  ]);
});

it('the profile and its attestations say that the references are endpoints', async () => {
  const profile = (await bench.profiles.current(modelId))!;
  expect(profile.document.references).toMatchObject({
    original: { behindEndpoint: true },
    shadows: [{ behindEndpoint: true }],
  });
  expect(profileWarnings(profile.document)).toContain('REFERENCE_BEHIND_ENDPOINT');
  const { jws } = (await bench.attestations.latest(modelId))!;
  const { predicate } = (await openAttestation(jws, bench.keySet)).statement;
  expect(predicate.warnings).toContainEqual(
    expect.stringMatching(/^2 reference models were asked through endpoints: /),
  );
});
