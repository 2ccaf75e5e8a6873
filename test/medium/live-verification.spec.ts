/** What a verification of live models costs, counted in the models themselves: real ONNX files, real PostgreSQL. */
import { openAttestation } from '@app/attestation';
import type { Database } from '@app/persistence';
import { auditVerifications } from '@app/verification';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CountingRuntimes,
  groupIds,
  type LiveModel,
  liveModel,
  rememberingModel,
  storeModel,
  storeSamples,
} from '../support/live.js';
import { onnxFile } from '../support/models/write-onnx.js';
import { tamperedAudit } from '../support/tamper.js';
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
const runtimes = new CountingRuntimes();

beforeAll(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
  worker = await openWorker(database, 'worker', runtimes);
});

afterAll(async () => {
  await worker.close();
  await bench.close();
  await database.close();
});

const latest = async (releaseId: string) =>
  (await bench.verifications.list({ releaseId }, { first: 1 })).items[0]!;
const remembering = (...groups: Parameters<typeof rememberingModel>[0]) =>
  storeModel(bench, onnxFile(rememberingModel(groups)));

/** A model whose forget samples are committed in requests of five. */
async function committed(): Promise<LiveModel> {
  const model = await liveModel(bench);
  for (let i = 0; i < model.forget.length; i += 5)
    await bench.file(model.modelId, model.forget.slice(i, i + 5));
  return model;
}

describe('the verification of a live model', () => {
  it('runs each model once on each sample, and never again', async () => {
    const { original, shadow, forget, modelId, release } = await committed();
    await expect(bench.freeze(modelId)).rejects.toMatchObject({
      code: 'VERIFICATION_SIGNALS_PENDING',
      retryable: true,
      details: { missing: 4, of: 4 },
    });
    expect(await bench.drain(worker)).toEqual([]);
    await bench.freeze(modelId);
    // Calibration and controls.
    expect([runtimes.passesOf(original), runtimes.passesOf(shadow)]).toEqual([230, 230]);

    const clean = await remembering('controls');
    const first = await release(clean);
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(first)).toMatchObject({
      result: 'PASSED',
      progress: {
        status: 'ATTESTED',
        targetPasses: 270n,
        referencePasses: 80n,
        signalsReused: 460n,
        samplesTotal: 270n,
        samplesDone: 270n,
      },
    });

    // A new release over known commitments: target passes only.
    const second = await release(await remembering('controls', 'forget'));
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(second)).toMatchObject({
      result: 'FAILED',
      progress: { targetPasses: 270n, referencePasses: 0n, signalsReused: 540n },
    });

    // New commitments: their own passes, of each reference and of the current release.
    const late = groupIds('late', 7);
    await storeSamples(bench, modelId, 'late', late);
    await bench.file(modelId, late);
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(second)).toMatchObject({
      treeSize: BigInt(forget.length + 7),
      progress: { targetPasses: 7n, referencePasses: 14n },
    });
    const before = [clean, original, shadow].map((digest) => runtimes.passesOf(digest));

    // The same release again, and under a changed profile: none.
    await bench.verifications.request(second, 'operator');
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(second)).toMatchObject({
      progress: { status: 'ATTESTED', targetPasses: 0n, referencePasses: 0n, blocksReused: 3 },
    });
    await bench.freeze(modelId, { alpha: 0.02 });
    expect(await bench.drain(worker)).toEqual([]);
    expect(await latest(second)).toMatchObject({
      progress: { status: 'ATTESTED', targetPasses: 0n, referencePasses: 0n, blocksReused: 0 },
    });
    expect([clean, original, shadow].map((digest) => runtimes.passesOf(digest))).toEqual(before);
    expect(before).toEqual([270, 277, 277]);
  });

  it('is attested with the binding, and with what computed for each role', async () => {
    const model = await committed();
    await bench.freeze(model.modelId).catch(() => undefined);
    await bench.drain(worker);
    await bench.freeze(model.modelId);
    const digest = await remembering('controls');
    const { verificationId } = await latestAfter(model, digest);
    const attestation = (await bench.attestations.list({ modelId: model.modelId }, { first: 1 })).items[0]!;
    expect(attestation.verificationId).toBe(verificationId);
    const { statement } = await openAttestation(attestation.jws, bench.keySet);
    const { artifact, runtimes: ran } = statement.predicate;
    expect(artifact).toMatchObject({
      kind: 'files',
      digests: [{ name: 'artifact manifest', sha256: digest }],
    });
    expect(ran!.map(({ role, runtime, sha256 }) => [role, runtime, sha256])).toEqual([
      ['release', 'onnx', digest],
      ['original', 'onnx', model.original],
      ['shadow', 'onnx', model.shadow],
    ]);
    for (const { backends } of ran!) expect(backends).toEqual([expect.stringMatching(/^onnxruntime-node /)]);
  });

  it.each([
    ['values', `values = overlay(values placing '\\x1040'::bytea from 7)`, 'signal_block.values'],
    ['unscorable', 'unscorable = unscorable + 1', 'signal_block.unscorable'],
    ['reasons', `reasons = '{"FORGED": [[0, 1]]}'::jsonb`, 'signal_block.reasons'],
    ['source_digest', `source_digest = decode(repeat('cd', 32), 'hex')`, 'signal_block.values'],
    ['subject_id', 'subject_id = gen_random_uuid()', 'signal_block.values'],
    ['block_index', 'block_index = block_index + 7', 'signal_block.values'],
  ])('leaves signals whose edit the audit finds: %s', async (_column, change, field) => {
    const audit = (db: Database) => auditVerifications(db, bench.keySet);
    expect(await audit(database.db)).toEqual([]);
    // Of a release on commitments: what references gave on sample sets enters no score.
    const statement = `update lacuna.signal_block set ${change} where ctid = (
      select block.ctid from lacuna.signal_block block
      join lacuna.release on artifact_digest = source_digest where subject_id = model_id order by 1 limit 1)`;
    const fields = (await tamperedAudit(database, statement, audit)).map((finding) => finding.field);
    expect(fields).toContain(field);
  });

  it('of a changed artifact under the same name is refused', async () => {
    const { modelId } = await committed();
    const register = async (artifactDigest: string) =>
      bench.releases.register(
        { modelId, name: 'one name', artifactDigest, idempotencyKey: bench.unique('key') },
        'platform:test',
      );
    await register(await remembering('controls'));
    await expect(register(await remembering('forget'))).rejects.toMatchObject({
      code: 'REGISTRY_ARTIFACT_MISMATCH',
    });
  });
});

async function latestAfter({ release }: LiveModel, digest: string) {
  const releaseId = await release(digest);
  expect(await bench.drain(worker)).toEqual([]);
  return latest(releaseId);
}
