import { recountResults, parseStatement, verifyAttestation, parseBundle, verifyBundle } from '@app/attestation';
import { RecordingService } from '@app/inference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

const latest = async (modelId: string) => (await bench.verifications.list({ modelId }, { first: 1 })).items[0]!;

async function fileAll(model: SyntheticModel, size = 5): Promise<string[]> {
  const requests: string[] = [];
  for (const samples of chunks(model.forget, size)) requests.push(await bench.file(model.modelId, samples));
  return requests;
}

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
    const attestation = (await bench.attestations.ofVerification(verificationId))!;
    const lines: string[] = [];
    for await (const line of bench.results.lines(verificationId)) lines.push(line);
    expect(lines).toHaveLength(40);
    const account = await verifyAttestation(attestation.jws, {
      keySet: bench.keySet,
      now: new Date(),
      tlogProof: await bench.attestations.tlogProof(attestation),
      results: lines,
    });
    expect(account.checks.map(({ outcome }) => outcome)).not.toContain('skipped');
    expect(account.statement.predicate).toMatchObject({ result: 'PASSED', work: { signalsRead: 360 } });
    const bundle = await bench.bundles.forRequest({ requestId: requests[3]!, modelId: model.modelId });
    const bundled = await verifyBundle(parseBundle(bundle), { keySet: bench.keySet, now: new Date() });
    expect(bundled.commitments).toHaveLength(5);
    expect(bundled.request).toBe(requests[3]);
  });
});
