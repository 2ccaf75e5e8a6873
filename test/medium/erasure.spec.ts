import { createHash } from 'node:crypto';
import { parseBundle, verifyAttestation, verifyBundle } from '@app/attestation';
import { auditRecordings } from '@app/inference';
import { auditLedger } from '@app/ledger';
import type { Database } from '@app/persistence';
import { auditSampleSets } from '@app/registry';
import { canonicalJson, createEd25519Verifier, parseVerifierKey } from '@app/tlog';
import { auditVault } from '@app/vault';
import { auditVerifications } from '@app/verification';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry, rowCounts } from '../support/registry.js';
import { bytesTraces, filesHolding, tablesHolding, traces } from '../support/search-database.js';
import { storeSegment } from '../support/vault.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { tamperedAudit } from '../support/tamper.js';
import { until } from '../support/until.js';
import {
  idsOf,
  openVerification,
  openWorker,
  syntheticModel,
  type SyntheticModel,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

const OPERATOR = 'operator:test';
let database: TestDatabase;
let bench: VerificationBench;
let worker: TestWorker;

// One for each test: models of one database share recordings of equal content, and with them who needs their signals.
beforeEach(async () => {
  database = await testDatabase();
  bench = await openVerification(database);
  worker = await openWorker(database, 'worker-a');
});
afterEach(async () => {
  await worker.close();
  await bench.close();
  await database.close();
});

const payloadsOf = (sampleIds: readonly string[]) =>
  sampleIds.map((sampleId) => ({ sampleId, payload: Buffer.from(`payload of ${sampleId}`) }));

const erase = (requestId: string, idempotencyKey = bench.unique('erasure')) =>
  bench.erasures.erase({ requestId, reason: 'SUBJECT_REQUEST', idempotencyKey }, OPERATOR);

function verifierFor(origin: string) {
  const vkey = bench.keySet.keys.flatMap((key) => ('lacuna:vkey' in key ? [key['lacuna:vkey']] : []))[0]!;
  return createEd25519Verifier(origin, parseVerifierKey(vkey).publicKey);
}

const furtherChecks = [
  auditRecordings,
  auditSampleSets,
  auditVault,
  (db: Database) => auditVerifications(db, bench.keySet),
];

async function audit() {
  // Not while checkpoints are being written: an audit reads more than one statement sees.
  for (const log of await bench.ledger.logs())
    await bench.ledger.checkpointCovering(log, await bench.ledger.nextIndex(log.logId), 10_000);
  return (await auditLedger(database.db, { verifierFor, furtherChecks })).findings;
}

/** Forty commitments of eight requests, of which `unforgotten` were not unlearned by the release. */
async function verifiedModel(unforgotten = 0) {
  const model = await syntheticModel(bench);
  const requests: string[] = [];
  for (let i = 0; i < 40; i += 5)
    requests.push(await bench.file(model.modelId, model.forget.slice(i, i + 5)));
  await bench.freeze(model.modelId);
  const values = model.releaseValues(model.forget.slice(5 * unforgotten));
  const releaseId = await bench.release(model.modelId, values);
  expect(await bench.drain(worker)).toEqual([]);
  return { ...model, requests, releaseId };
}

const latest = async ({ modelId }: SyntheticModel) =>
  (await bench.verifications.list({ modelId }, { first: 1 })).items[0]!;

async function verifyAgain(model: SyntheticModel & { releaseId: string }) {
  await bench.verifications.request(model.releaseId, 'operator');
  expect(await bench.drain(worker)).toEqual([]);
  return latest(model);
}

async function verifyOffline(verificationId: string) {
  const attestation = (await bench.attestations.ofVerification(verificationId))!;
  const results: string[] = [];
  for await (const line of bench.results.lines(verificationId)) results.push(line);
  return verifyAttestation(attestation.jws, {
    keySet: bench.keySet,
    now: new Date(),
    tlogProof: await bench.attestations.tlogProof(attestation),
    results,
  });
}

const summaryOf = async (verificationId: string) => (await bench.results.outcome(verificationId))!.summary;

describe('what an erasure leaves', () => {
  /** Everything that links the leaves of a request to its content. */
  async function needlesOf(requestId: string): Promise<string[]> {
    const { subject, ...request } = await bench.requests.get(requestId);
    const openings = await database.sql<
      { sample_id: string; model_id: string; content: string; salt: Uint8Array }[]
    >`
      select sample_id, model_id, content, salt from commitment join commitment_opening using (log_id, leaf_index)
      join log using (log_id) where request_id = ${requestId} order by leaf_index`;
    const samples = openings.map((one) => `${one.model_id}\t${one.sample_id}\n`).join('');
    const samplesDigest = createHash('sha256').update(samples).digest('hex');
    const filing = canonicalJson({
      subject: subject!,
      regime: request.regime,
      receivedAt: request.receivedAt.toISOString(),
      dueAt: request.dueAt.toISOString(),
      sampleCount: request.sampleCount,
      samplesDigest,
    });
    return [
      ...traces(subject!),
      ...traces(filing),
      ...traces(samples),
      ...openings.flatMap((one) => [
        ...traces(one.sample_id),
        ...traces(one.content),
        ...bytesTraces(one.salt),
      ]),
    ];
  }

  it('is nothing in any table that says whose or which samples it was about', async () => {
    const model = await verifiedModel();
    await storeSegment(bench, model.modelId, payloadsOf(model.forget));
    const [request, other] = [model.requests[2]!, model.requests[3]!];
    const [needles, others] = [await needlesOf(request), await needlesOf(other)];
    const before = [
      'lacuna.commitment_opening',
      'lacuna.idempotency_key',
      'lacuna.recorded_signal',
      'lacuna.request_subject',
      'lacuna.vault_item',
    ];
    expect(await tablesHolding(database, needles)).toEqual(before);
    await erase(request);
    await verifyAgain(model);
    expect(await tablesHolding(database, needles)).toEqual([]);
    const held = await bench.vault.has(model.modelId, model.forget.slice(8, 17));
    expect(held).toEqual([true, true, false, false, false, false, false, true, true]);
    expect(await tablesHolding(database, others)).toEqual(before);
    const sample = model.forget[10]!;
    // A transaction that began before the erasure, of autoanalyze say, keeps its dead rows for as long as it runs.
    await until(async () => {
      for (const table of before) await database.admin.unsafe(`vacuum (full) ${table}`);
      return (await filesHolding(database, before, sample)).length === 0;
    });
    expect(await audit()).toEqual([]);
  });

  it('is a request without subject and samples, whose counts and dates stay', async () => {
    const model = await verifiedModel();
    const requestId = model.requests[0]!;
    const before = await bench.requests.get(requestId);
    const erasure = await erase(requestId);
    expect(erasure).toMatchObject({ requestId, reason: 'SUBJECT_REQUEST', erasedBy: OPERATOR });
    expect(await bench.requests.get(requestId)).toEqual({ ...before, subject: null });
    const { items } = await bench.requests.commitments({ requestId }, { first: 10 });
    expect(items.map(({ leafIndex, sampleId, position }) => [leafIndex, sampleId, position])).toEqual(
      [0n, 1n, 2n, 3n, 4n].map((index) => [index, null, Number(index) + 1]),
    );
    const { items: listed } = await bench.requests.list({ subject: before.subject }, { first: 10 });
    expect(listed).toEqual([]);
    const { content, type, subjectId } = await bench.ledger.event(erasure.eventIndex);
    expect({ type, subjectId }).toEqual({ type: 'deletion-request-erased', subjectId: requestId });
    expect(content).not.toContain(before.subject);
    expect(JSON.parse(content)).toMatchObject({
      requestId,
      reason: 'SUBJECT_REQUEST',
      sampleCount: 5,
      leaves: [{ modelId: model.modelId, firstIndex: '0', firstPosition: 1, count: 5 }],
    });
  });

  it('lets every older attestation, proof and bundle verify; a new bundle is refused', async () => {
    const model = await verifiedModel();
    const { verificationId } = await latest(model);
    const [requestId, other] = [model.requests[1]!, model.requests[4]!];
    const older = await bench.bundles.forRequest({ requestId, modelId: model.modelId });
    await erase(requestId);
    await verifyOffline(verificationId);
    const { commitments } = await verifyBundle(parseBundle(older), { keySet: bench.keySet, now: new Date() });
    expect(commitments.map(({ verdict }) => verdict)).toEqual(Array(5).fill('NO_RESIDUAL_EVIDENCE'));
    const bundle = bench.bundles.forRequest({ requestId, modelId: model.modelId });
    await expect(bundle).rejects.toMatchObject({ code: 'VERIFICATION_REQUEST_ERASED' });
    await bench.bundles.forRequest({ requestId: other, modelId: model.modelId });
    expect(await audit()).toEqual([]);
  });

  it('answers why without samples', async () => {
    const model = await verifiedModel();
    const requestId = model.requests[1]!;
    await erase(requestId);
    const { explanation: older } = await bench.explanations.explain({ requestId });
    expect(older).toMatchObject({ verdict: 'NO_RESIDUAL_EVIDENCE', samples: [] });
    await verifyAgain(model);
    const { explanation } = await bench.explanations.explain({ requestId });
    expect(explanation).toMatchObject({ verdict: 'NO_LONGER_VERIFIABLE', samples: [], statistic: null });
  });
});

describe('the audit of a ledger with an erasure', () => {
  it.each([
    ['delete from erasure', ['erasure.event_index', 'commitment_opening.content']],
    [
      `update commitment set request_id = (select request_id from erasure) where leaf_index = 5`,
      ['commitment.request_id'],
    ],
    [`delete from commitment_opening where leaf_index = 5`, ['commitment_opening.content']],
    [
      `insert into commitment_opening select log_id, 0, sample_id, content, salt from commitment_opening where leaf_index = 5`,
      ['commitment_opening.log_id'],
    ],
    [
      `insert into request_subject select request_id, 'x', null, null from erasure`,
      ['request_subject.subject'],
    ],
    [`delete from erased_signals`, ['erased_signals.erasure_id', 'recorded_signal.value']],
    [
      `update recorded_signal set value = value + 1 where sample_id = 'forget-00010'`,
      ['recorded_signal.value'],
    ],
    [`delete from recorded_signal where sample_id = 'forget-00010'`, ['recorded_signal.sample_id']],
  ])('finds: %s', async (change, fields) => {
    const { modelId, forget } = await syntheticModel(bench);
    const requestId = await bench.file(modelId, forget.slice(0, 3));
    await bench.file(modelId, forget.slice(3, 12));
    await erase(requestId);
    expect(await audit()).toEqual([]);
    const findings = await tamperedAudit(
      database,
      change,
      async (db) => (await auditLedger(db, { verifierFor, furtherChecks })).findings,
    );
    expect(findings.map(({ field }) => field)).toEqual(expect.arrayContaining(fields));
  });
});

describe('a verification after an erasure', () => {
  it('says NO_LONGER_VERIFIABLE of blocks that were scored before, reads nothing, and passes with the rest', async () => {
    const model = await verifiedModel(1);
    expect(await latest(model)).toMatchObject({ result: 'FAILED' });
    await erase(model.requests[0]!);
    const again = await verifyAgain(model);
    const { counts, reasons, warnings } = await summaryOf(again.verificationId);
    expect(reasons).toEqual([]);
    expect(again).toMatchObject({ result: 'PASSED', progress: { blocksReused: 2, signalsRead: 0n } });
    expect(counts.requests).toMatchObject({
      NO_LONGER_VERIFIABLE: 1,
      NO_RESIDUAL_EVIDENCE: 7,
      UNSCORABLE: 0,
    });
    expect(counts.samples).toMatchObject({
      NO_LONGER_VERIFIABLE: 5,
      NO_RESIDUAL_EVIDENCE: 35,
      UNSCORABLE: 0,
    });
    expect(warnings).toContain('NO_LONGER_VERIFIABLE_SAMPLES');
    const listed = await bench.results.requestResults(
      again.verificationId,
      { verdict: 'NO_LONGER_VERIFIABLE' },
      { first: 10 },
    );
    expect(listed.items).toMatchObject([{ requestId: model.requests[0], statistic: null, sampleCount: 0 }]);
    const { statement } = await verifyOffline(again.verificationId);
    expect(statement.predicate.results.verdicts.samples.NO_LONGER_VERIFIABLE).toBe(5);
    expect(await audit()).toEqual([]);
  });

  it('says so under a later release too, and scores the others once', async () => {
    const model = await verifiedModel();
    await erase(model.requests[7]!);
    const gone = new Set(model.forget.slice(35));
    const values = new Map([...model.releaseValues(model.forget)].filter(([id]) => !gone.has(id)));
    const releaseId = await bench.release(model.modelId, values);
    expect(await bench.drain(worker)).toEqual([]);
    const first = await latest(model);
    expect((await summaryOf(first.verificationId)).reasons).toEqual([]);
    expect(first).toMatchObject({ releaseId, result: 'PASSED' });
    expect((await summaryOf(first.verificationId)).counts.samples).toMatchObject({
      NO_LONGER_VERIFIABLE: 5,
      NO_RESIDUAL_EVIDENCE: 35,
    });
    const second = await verifyAgain({ ...model, releaseId });
    expect(second).toMatchObject({ result: 'PASSED', progress: { blocksReused: 2, signalsRead: 0n } });
    expect(await audit()).toEqual([]);
  });

  it('is INCONCLUSIVE when nothing is left to verify', async () => {
    const model = await verifiedModel();
    await Promise.all(model.requests.map((requestId) => erase(requestId)));
    const again = await verifyAgain(model);
    expect(again).toMatchObject({ result: 'INCONCLUSIVE', treeSize: 40n });
    const { counts, reasons } = await summaryOf(again.verificationId);
    expect(reasons).toContain('NOTHING_TO_VERIFY');
    expect(counts.samples.NO_LONGER_VERIFIABLE).toBe(40);
    await verifyOffline(again.verificationId);
    expect(await audit()).toEqual([]);
  });

  it.each(['before its blocks', 'between its blocks and its conclusion'])(
    'counts an erasure that comes %s',
    async (moment) => {
      const model = await verifiedModel();
      const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget));
      const run = async (name: 'verification.plan' | 'verification.block') => {
        for (const job of await bench.takeJobs(name)) await worker.run(job);
      };
      await run('verification.plan');
      if (moment === 'before its blocks') await erase(model.requests[5]!);
      await run('verification.block');
      if (moment !== 'before its blocks') await erase(model.requests[5]!);
      expect(await bench.drain(worker)).toEqual([]);
      const verification = await latest(model);
      expect(verification).toMatchObject({ releaseId, result: 'PASSED' });
      const { counts } = await summaryOf(verification.verificationId);
      expect(counts.requests).toMatchObject({ NO_LONGER_VERIFIABLE: 1, NO_RESIDUAL_EVIDENCE: 7 });
      expect((await verifyAgain({ ...model, releaseId })).progress).toMatchObject({ signalsRead: 0n });
      expect(await audit()).toEqual([]);
    },
  );
});

describe('erasing', () => {
  const filing = (modelId: string, samples: readonly string[], idempotencyKey: string) => ({
    subject: 'subject-of-a-repeat',
    regime: 'GDPR',
    receivedAt: new Date('2026-11-01T00:00:00.000Z'),
    samples: samples.map((sampleId) => ({ modelId, sampleId })),
    idempotencyKey,
  });

  it('twice, under one key or another, and eight times at once gives the one erasure', async () => {
    const { modelId, forget } = await syntheticModel(bench);
    const requestId = await bench.file(modelId, forget.slice(0, 3));
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => erase(requestId, `at-once-${i % 2}`)));
    all.push(await erase(requestId, 'later'), await erase(requestId, 'at-once-0'));
    expect(new Set(all.map(({ erasureId }) => erasureId)).size).toBe(1);
    const [{ n } = { n: 0 }] = await database.sql<{ n: number }[]>`
      select count(*)::int as n from event where type = 'deletion-request-erased' and subject_id = ${requestId}`;
    expect(n).toBe(1);
  });

  it('refuses a key that stands for another erasure, an unknown request and an unknown reason', async () => {
    const { modelId, forget } = await syntheticModel(bench);
    const [one, two] = [
      await bench.file(modelId, forget.slice(0, 1)),
      await bench.file(modelId, forget.slice(1, 2)),
    ];
    await erase(one, 'taken');
    await expect(erase(two, 'taken')).rejects.toMatchObject({ code: 'LEDGER_IDEMPOTENCY_CONFLICT' });
    await expect(erase('00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
    });
    const reason = 'because Jane Doe of 5 High Street asked' as 'LEGAL_ORDER';
    await expect(
      bench.erasures.erase({ requestId: two, reason, idempotencyKey: 'k' }, OPERATOR),
    ).rejects.toMatchObject({ code: 'REGISTRY_INPUT_INVALID', details: { field: 'reason' } });
    expect(await bench.erasures.of(two)).toBeNull();
  });

  it('makes a repeat of the filing a refusal: nothing is filed again', async () => {
    const { modelId, forget } = await syntheticModel(bench);
    const input = filing(modelId, forget.slice(0, 2), 'filed-once');
    const { requestId } = await bench.requests.file(input, OPERATOR);
    await erase(requestId);
    const before = await rowCounts(database);
    for (const repeat of [input, filing(modelId, forget.slice(2, 4), 'filed-once')])
      await expect(bench.requests.file(repeat, OPERATOR)).rejects.toMatchObject({
        code: 'LEDGER_CONTENT_ERASED',
      });
    expect(await rowCounts(database)).toEqual(before);
  });

  it('keeps the signals of samples that another request or a sample set needs, until the last has gone', async () => {
    const { modelId, forget, controls } = await syntheticModel(bench);
    const shared = [forget[0]!, controls[0]!];
    await storeSegment(bench, modelId, payloadsOf([...shared, forget[1]!]));
    const inVault = () => bench.vault.has(modelId, [controls[0]!, forget[0]!, forget[1]!]);
    const one = await bench.file(modelId, [...shared, forget[1]!]);
    const two = await bench.file(modelId, [forget[0]!]);
    const kept = async () => {
      const rows = await database.sql<{ sample_id: string }[]>`
        select distinct sample_id from recorded_signal join recording_model using (recording_id)
        where model_id = ${modelId} and sample_id in (${forget[0]!}, ${forget[1]!}, ${controls[0]!}) order by 1`;
      return rows.map((row) => row.sample_id);
    };
    await erase(one);
    expect(await kept()).toEqual([controls[0], forget[0]]);
    expect(await inVault()).toEqual([true, true, false]);
    expect(await audit()).toEqual([]);
    await erase(two);
    expect(await kept()).toEqual([controls[0]]);
    expect(await inVault()).toEqual([true, false, false]);
    expect(await audit()).toEqual([]);
  });

  it('of many requests through two daemons, while others file, leaves a clean ledger', async () => {
    const shared = await testDatabase();
    const [one, two] = [await openRegistry(shared), await openRegistry(shared)];
    try {
      const samples = idsOf('sample', 40);
      const { modelId } = await one.modelKnowing(samples);
      const file = async (...sampleIds: string[]) =>
        (await one.requests.file(filing(modelId, sampleIds, one.unique('filing')), OPERATOR)).requestId;
      const requests: string[] = [];
      for (const sample of samples.slice(0, 12)) requests.push(await file(sample, samples[20]!));
      await Promise.all(
        requests.flatMap((requestId, i) => [
          (i % 2 === 0 ? one : two).erasures.erase(
            { requestId, reason: 'RETENTION_ENDED', idempotencyKey: `many-${i}` },
            OPERATOR,
          ),
          file(samples[21 + i]!),
        ]),
      );
      const left = await shared.sql<
        { sample_id: string }[]
      >`select sample_id from recorded_signal order by 1`;
      const gone = [...samples.slice(0, 12), samples[20]];
      expect(left.map((row) => row.sample_id)).toEqual(samples.filter((sample) => !gone.includes(sample)));
      const { findings } = await auditLedger(shared.db, { verifierFor, furtherChecks: [auditRecordings] });
      expect(findings).toEqual([]);
    } finally {
      await Promise.all([one.close(), two.close()]);
      await shared.close();
    }
  });

  it('that is cut off in the middle destroys nothing, and is done by the next attempt', async () => {
    const { modelId, forget } = await syntheticModel(bench);
    const requestId = await bench.file(modelId, forget.slice(0, 2));
    const before = await rowCounts(database);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const held = database.admin.begin(async (tx) => {
      await tx`select from lacuna.request_subject where request_id = ${requestId} for update`;
      await released;
    });
    const cut = erase(requestId, 'cut-off').catch((error: unknown) => error);
    const blocked = () => database.admin<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%destroy_erased%'`;
    await until(async () => (await blocked()).length === 1);
    const [victim] = await blocked();
    await database.admin`select pg_terminate_backend(${victim!.pid})`;
    release();
    await held;
    expect(await cut).toBeInstanceOf(Error);
    expect(await rowCounts(database)).toEqual(before);
    expect((await bench.requests.get(requestId)).subject).not.toBeNull();
    expect(await erase(requestId, 'cut-off')).toMatchObject({ requestId });
    expect(await audit()).toEqual([]);
  });
});
