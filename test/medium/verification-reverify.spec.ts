/** What the schedule has verified again, and what it leaves alone. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  openVerification,
  openWorker,
  syntheticModel,
  type SyntheticModel,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

const DAY_MS = 86_400_000;
const VALID_DAYS = 90;

let database: TestDatabase;
let bench: VerificationBench;
let worker: TestWorker;
let model: SyntheticModel;
let releaseId: string;
let requestId: string;

beforeEach(async () => {
  database = await testDatabase();
  bench = await openVerification(database, { validSeconds: (VALID_DAYS * DAY_MS) / 1000 });
  worker = await openWorker(database, 'worker-a');
  model = await syntheticModel(bench, { frozen: false });
  requestId = await bench.file(model.modelId, model.forget.slice(0, 5));
  for (let i = 5; i < 35; i += 5) await bench.file(model.modelId, model.forget.slice(i, i + 5));
  await bench.freeze(model.modelId);
  releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
});

afterEach(async () => {
  await worker.close();
  await bench.close();
  await database.close();
});

/** As the schedule asks, some days from now and once a day. */
const look = (days = 0, everyDays = 1) => {
  const now = new Date(Date.now() + days * DAY_MS);
  return bench.reverifications.requestDue({
    dueAt: now,
    now,
    next: new Date(now.getTime() + everyDays * DAY_MS),
  });
};
const verified = async () => expect(await bench.drain(worker)).toEqual([]);
/** What was registered without a worker or a trigger in between. */
const loseJobs = () => bench.takeJobs();
const newest = async () => (await bench.verifications.list({ releaseId }, { first: 1 })).items[0]!;

it('verifies again exactly where something changed', async () => {
  await loseJobs();
  expect(await look()).toEqual({ 'never-verified': 1 });
  await verified();
  expect(await newest()).toMatchObject({ cause: 'schedule', progress: { status: 'ATTESTED' } });
  expect(await look()).toEqual({ unchanged: 1 });
  expect(await bench.takeJobs()).toEqual([]);

  await bench.file(model.modelId, model.forget.slice(35));
  await loseJobs();
  expect(await look()).toEqual({ commitments: 1 });
  await verified();
  expect((await newest()).treeSize).toBe(40n);

  const profileId = await bench.freeze(model.modelId, { levels: 30 });
  await loseJobs();
  expect(await look()).toEqual({ profile: 1 });
  await verified();
  expect((await newest()).profileId).toBe(profileId);

  await bench.erasures.erase({ requestId, reason: 'SUBJECT_REQUEST', idempotencyKey: 'e' }, 'operator:test');
  expect(await look()).toEqual({ erasure: 1 });
  await verified();
  const { verificationId } = await newest();
  expect(await bench.results.requestResult(verificationId, requestId)).toMatchObject({
    verdict: 'NO_LONGER_VERIFIABLE',
  });
  expect(await look()).toEqual({ unchanged: 1 });
});

it('leaves what is under way alone, and tries again what failed', async () => {
  await bench.drain(worker);
  await bench.verifications.request(releaseId, 'operator');
  const [job] = await bench.takeJobs('verification.plan');
  await worker.run(job!);
  expect(await look(VALID_DAYS)).toEqual({ unchanged: 1 });
  await database.admin`update lacuna.verification_progress set status = 'FAILED'
    where verification_id = ${job!.id}`;
  expect(await look()).toEqual({ failed: 1 });
});

it('renews an attestation before it expires, without a signal read, and keeps the old one', async () => {
  await verified();
  const first = (await bench.attestations.latest(model.modelId))!;
  expect(await look(VALID_DAYS / 2)).toEqual({ unchanged: 1 });
  // Asked only twice a year, it would expire in between.
  expect(await look(VALID_DAYS / 2, 180)).toEqual({ expiring: 1 });
  await loseJobs();
  expect(await look((VALID_DAYS * 2) / 3 + 1)).toEqual({ expiring: 1 });
  await verified();
  const renewal = await newest();
  expect(renewal).toMatchObject({ cause: 'renewal', treeSize: 35n });
  expect(renewal.progress).toMatchObject({
    status: 'ATTESTED',
    signalsRead: 0n,
    forwardPasses: 0n,
    samplesReused: renewal.progress.samplesTotal,
  });
  const second = (await bench.attestations.latest(model.modelId))!;
  expect(second.previousDigest).toBe(first.digest);
  expect(second.expiresAt.getTime()).toBeGreaterThan(first.expiresAt.getTime());
  expect(await bench.attestations.get(first.attestationId)).toEqual(first);
  expect(await look()).toEqual({ unchanged: 1 });
  const { items } = await bench.timelines.list(model.modelId, { first: 1 });
  expect(items[0]).toMatchObject({
    verificationId: renewal.verificationId,
    attestations: {
      count: 2,
      renewals: 1,
      firstIssuedAt: first.issuedAt,
      latestOf: second.verificationId,
    },
  });
});

it('renews nothing that is out of use', async () => {
  await verified();
  const next = await bench.release(model.modelId, model.releaseValues(model.forget, 30));
  await verified();
  await bench.standings.supersede(
    { releaseId: next, successorId: releaseId, idempotencyKey: 's' },
    'platform:test',
  );
  // The one that became current was asked for at once.
  expect(await bench.takeJobs('verification.plan')).toMatchObject([{ data: { releaseId } }]);
  expect(await look(VALID_DAYS)).toEqual({ expiring: 1 });
  expect(await bench.takeJobs('verification.plan')).toMatchObject([
    { data: { releaseId, cause: 'renewal' } },
  ]);
  await bench.standings.withdraw({ releaseId, reason: 'RETIRED', idempotencyKey: 'w' }, 'platform:test');
  expect(await look(VALID_DAYS)).toEqual({});
});

it('a new profile asks for what waited for one, and not for what is out of use', async () => {
  const other = await syntheticModel(bench, { frozen: false });
  await bench.file(other.modelId, other.forget.slice(0, 5));
  const mistaken = await bench.release(other.modelId, other.releaseValues(other.forget, 20));
  const meant = await bench.release(other.modelId, other.releaseValues(other.forget, 30));
  await bench.standings.withdraw(
    { releaseId: mistaken, reason: 'REGISTERED_IN_ERROR', idempotencyKey: 'm' },
    'platform:test',
  );
  await loseJobs();
  await bench.freeze(other.modelId);
  expect(await bench.takeJobs('verification.plan')).toMatchObject([{ data: { releaseId: meant } }]);
});
