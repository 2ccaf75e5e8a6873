import {
  formatResultLeaf,
  openAttestation,
  openDsse,
  parseResultLeaf,
  verifyAttestation,
} from '@app/attestation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  openVerification,
  openWorker,
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

/** A model with requests of five and a profile. */
async function prepared(): Promise<{ model: SyntheticModel; requests: string[] }> {
  const model = await syntheticModel(bench);
  const requests: string[] = [];
  for (let i = 0; i < model.forget.length; i += 5) {
    requests.push(await bench.file(model.modelId, model.forget.slice(i, i + 5)));
  }
  await bench.freeze(model.modelId);
  return { model, requests };
}

/** Runs everything but the attestations, whose verification ids are returned, oldest first. */
async function concludeOnly(): Promise<string[]> {
  const concluded: string[] = [];
  for (let jobs = await bench.takeJobs(); jobs.length > 0; jobs = await bench.takeJobs()) {
    for (const job of jobs) {
      if (job.name === 'verification.attest') {
        concluded.push((job.data as { verificationId: string }).verificationId);
      } else {
        await worker.run(job);
      }
    }
  }
  return concluded;
}

const attestationsOf = async (modelId: string) =>
  (await bench.attestations.list({ modelId }, { first: 100 })).items;

describe('an attestation', () => {
  it('is issued once, however often it is asked for', async () => {
    const { model } = await prepared();
    await bench.release(model.modelId, model.releaseValues(model.forget));
    const [verificationId] = await concludeOnly();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, () => bench.issuer.issue(verificationId!)),
    );
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of lost) {
      expect(reason).toMatchObject({ code: 'VERIFICATION_ATTESTATION_RACE', retryable: true });
    }
    await bench.issuer.issue(verificationId!);
    expect(await attestationsOf(model.modelId)).toHaveLength(1);
    expect(await bench.verifications.get(verificationId!)).toMatchObject({
      progress: { status: 'ATTESTED' },
    });
  });

  it('follows the model’s previous one, also when two are issued at once', async () => {
    const { model } = await prepared();
    const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
    await bench.drain(worker);
    await bench.verifications.request(releaseId, 'schedule');
    await bench.verifications.request(releaseId, 'operator');
    let waiting = await concludeOnly();
    expect(waiting).toHaveLength(2);
    while (waiting.length > 0) {
      const outcomes = await Promise.allSettled(waiting.map((id) => bench.issuer.issue(id)));
      waiting = waiting.filter((_, i) => outcomes[i]?.status === 'rejected');
    }
    const chain = await attestationsOf(model.modelId);
    expect(chain.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2]);
    expect(chain.map(({ previousDigest }) => previousDigest)).toEqual([
      null,
      chain[0]!.digest,
      chain[1]!.digest,
    ]);
    for (const [i, { jws }] of chain.entries()) {
      const previousJws = chain[i - 1]?.jws;
      const evidence = { keySet: bench.keySet, now: new Date() };
      await verifyAttestation(jws, previousJws === undefined ? evidence : { ...evidence, previousJws });
    }
  });

  it('of a tree that a larger attested one has overtaken is not issued: the release is verified again', async () => {
    const { model } = await prepared();
    const first = await bench.release(model.modelId, model.releaseValues(model.forget, 20));
    const [overtaken] = await concludeOnly();
    await bench.file(model.modelId, ['control-00000']);
    await bench.release(model.modelId, model.releaseValues(model.forget, 30));
    for (const id of (await concludeOnly()).reverse()) await bench.issuer.issue(id);
    await bench.issuer.issue(overtaken!);
    expect((await bench.verifications.get(overtaken!)).progress).toMatchObject({
      status: 'FAILED',
      errorCode: 'VERIFICATION_SUPERSEDED',
    });
    expect(await bench.drain(worker)).toEqual([]);
    const again = (await bench.verifications.list({ releaseId: first }, { first: 1 })).items[0]!;
    expect(again).toMatchObject({ treeSize: 41n, progress: { status: 'ATTESTED' } });
    expect(await bench.attestations.ofVerification(again.verificationId)).not.toBeNull();
  });

  it('is the same statement as compact JWS and as DSSE envelope', async () => {
    const { model } = await prepared();
    await bench.release(model.modelId, model.releaseValues(model.forget));
    await bench.drain(worker);
    const { jws, dsse } = (await bench.attestations.latest(model.modelId))!;
    const { statement } = await openAttestation(jws, bench.keySet);
    expect(openDsse(dsse, bench.keySet)).toEqual(statement);
    expect(statement.predicate).toMatchObject({
      artifact: { kind: 'recorded-signals', digests: [{ name: 'signals part 0' }] },
      calibration: { mode: 'frozen', trustedUnder: 'a retrained release' },
      profile: { parameters: { alpha: 0.01, q: 0.05, levels: 20, shadows: 1, signalKind: 'loss' } },
    });
  });

  it('is refused offline with a swapped result, a dropped result, or another’s log proof', async () => {
    const { model } = await prepared();
    const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
    await bench.drain(worker);
    await bench.verifications.request(releaseId, 'operator');
    await bench.drain(worker);
    const [older, attestation] = await attestationsOf(model.modelId);
    const lines: string[] = [];
    for await (const line of bench.attestations.resultLines(attestation!)) lines.push(line.slice(0, -1));
    const swapped = [...lines];
    swapped[7] = formatResultLeaf({ ...parseResultLeaf(lines[7]!), verdict: 'RESIDUAL' });
    const check = (results: string[], of = attestation!) =>
      bench.attestations
        .tlogProof(of)
        .then((tlogProof) =>
          verifyAttestation(attestation!.jws, { keySet: bench.keySet, now: new Date(), results, tlogProof }),
        );
    await expect(check(lines)).resolves.toMatchObject({ kind: 'attestation' });
    await expect(check(swapped)).rejects.toMatchObject({ code: 'ATTESTATION_RESULTS_MISMATCH' });
    await expect(check(lines.slice(1))).rejects.toMatchObject({ code: 'ATTESTATION_RESULTS_INCOMPLETE' });
    await expect(check(lines, older)).rejects.toMatchObject({ code: 'ATTESTATION_NOT_LOGGED' });
  });
});

describe('a proof bundle', () => {
  it('needs an attestation that covers the request', async () => {
    const { model, requests } = await prepared();
    const ask = (requestId: string, attestationId?: string) =>
      bench.bundles.forRequest({ requestId, modelId: model.modelId, attestationId });
    await expect(ask(requests[0]!)).rejects.toMatchObject({
      code: 'VERIFICATION_NOT_ATTESTED',
      retryable: true,
    });
    await bench.release(model.modelId, model.releaseValues(model.forget));
    await bench.drain(worker);
    const { attestationId } = (await bench.attestations.latest(model.modelId))!;
    const late = await bench.file(model.modelId, ['control-00001']);
    await expect(ask(late, attestationId)).rejects.toMatchObject({ code: 'VERIFICATION_NOT_ATTESTED' });
    await bench.drain(worker);
    expect(await ask(late)).toContain('"format":"lacuna-proof-bundle/v1"');
    await expect(ask('00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({
      code: 'VERIFICATION_REQUEST_UNKNOWN',
    });
  });

  it('holds nothing of anybody else’s', async () => {
    const { model, requests } = await prepared();
    await bench.release(model.modelId, model.releaseValues(model.forget));
    await bench.drain(worker);
    const bundle = await bench.bundles.forRequest({ requestId: requests[1]!, modelId: model.modelId });
    const own = new Set(model.forget.slice(5, 10));
    for (const sample of model.forget) expect(bundle.includes(sample)).toBe(own.has(sample));
    for (const requestId of requests) expect(bundle.includes(requestId)).toBe(requestId === requests[1]);
  });
});

describe('lists', () => {
  it('page through results and attestations with stable cursors', async () => {
    const { model } = await prepared();
    await bench.release(model.modelId, model.releaseValues(model.forget));
    await bench.drain(worker);
    const { verificationId } = (await bench.verifications.list({ modelId: model.modelId }, { first: 1 }))
      .items[0]!;
    const indexes: bigint[] = [];
    let after: string | undefined;
    do {
      const page = await bench.results.leafResults(verificationId, { first: 15, after });
      indexes.push(...page.items.map(({ index }) => index));
      after = page.hasNextPage ? page.cursorOf(page.items.at(-1)!) : undefined;
    } while (after !== undefined);
    expect(indexes).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(i)));
    const requests = await bench.results.requestResults(verificationId, {}, { first: 5 });
    const rest = await bench.results.requestResults(
      verificationId,
      {},
      { first: 5, after: requests.cursorOf(requests.items.at(-1)!) },
    );
    expect([requests.hasNextPage, rest.hasNextPage]).toEqual([true, false]);
    expect(new Set([...requests.items, ...rest.items].map(({ requestId }) => requestId)).size).toBe(8);
  });
});
