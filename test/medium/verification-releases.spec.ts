/** What is followed over the releases of one model: error budget, recurrence, drift, and why a verdict is what it is. */
import { verifyAttestation } from '@app/attestation';
import { auditLedger } from '@app/ledger';
import { createEd25519Verifier, parseVerifierKey } from '@app/tlog';
import { auditVerifications } from '@app/verification';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tamperedAudit } from '../support/tamper.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  lossesAround,
  merged,
  openVerification,
  openWorker,
  STRANGER_LOSS,
  syntheticModel,
  type SyntheticModel,
  type SyntheticOptions,
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

async function modelWithRequests(
  options: SyntheticOptions = {},
): Promise<{ model: SyntheticModel; requests: string[] }> {
  const model = await syntheticModel(bench, options);
  const requests: string[] = [];
  for (let i = 0; i < model.forget.length; i += 5)
    requests.push(await bench.file(model.modelId, model.forget.slice(i, i + 5)));
  await bench.freeze(model.modelId);
  return { model, requests };
}

/** Registers a release that forgot `forgotten`, verifies it, and returns ids and summary. */
async function verified(model: SyntheticModel, values: ReadonlyMap<string, number>) {
  const releaseId = await bench.release(model.modelId, values);
  expect(await bench.drain(worker)).toEqual([]);
  return { releaseId, ...(await newest(model.modelId)) };
}

async function newest(modelId: string) {
  const [verification] = (await bench.verifications.list({ modelId }, { first: 1 })).items;
  const { verificationId } = verification!;
  const { summary, result } = (await bench.results.outcome(verificationId))!;
  const attestation = (await bench.attestations.ofVerification(verificationId))!;
  const account = await verifyAttestation(attestation.jws, { keySet: bench.keySet, now: new Date() });
  return { verificationId, summary, result, predicate: account.statement.predicate };
}

const recurrencesOf = async (modelId: string) =>
  (await bench.recurrences.list({ modelId }, { first: 100 })).items;

describe('the error budget of a model', () => {
  it('holds each release to its level once, in release order, and signs it', async () => {
    const { model } = await modelWithRequests();
    const clean = await verified(model, model.releaseValues(model.forget));
    expect(clean.summary.errorBudget).toMatchObject({
      rule: 'LOND-PRDS-1',
      place: 0,
      alarmsBefore: 0,
      alarm: false,
      spentHere: true,
    });
    expect(clean.predicate.errorBudget).toEqual(clean.summary.errorBudget);
    const bad = await verified(model, model.releaseValues([], 20));
    expect(bad.summary.errorBudget).toMatchObject({ place: 1, alarmsBefore: 0, alarm: true });
    expect(bad.summary.errorBudget!.level).toBeLessThan(clean.summary.errorBudget!.level);
    const next = await verified(model, model.releaseValues(model.forget, 30));
    expect(next.summary.errorBudget).toMatchObject({ place: 2, alarmsBefore: 1, alarm: false });
  });

  it('is not spent twice by one release', async () => {
    const { model } = await modelWithRequests();
    const first = await verified(model, model.releaseValues(model.forget));
    await bench.verifications.request(first.releaseId, 'operator');
    expect(await bench.drain(worker)).toEqual([]);
    const again = await newest(model.modelId);
    expect(again.verificationId).not.toBe(first.verificationId);
    expect(again.summary.errorBudget).toEqual({ ...first.summary.errorBudget, spentHere: false });
    const [row] = await database.admin<{ count: number }[]>`
      select count(*)::int as count from lacuna.error_budget_spend s join lacuna.release r using (release_id)
      where r.model_id = ${model.modelId}`;
    expect(row!.count).toBe(1);
  });

  it('is left alone by a release of which nothing could be tested', async () => {
    const model = await syntheticModel(bench);
    await bench.freeze(model.modelId);
    const { summary, predicate } = await verified(model, model.releaseValues([]));
    expect(summary.errorBudget).toBeNull();
    expect(predicate).not.toHaveProperty('errorBudget');
  });
});

describe('recurrence', () => {
  it('is an event that names request and first bad release, raised once', async () => {
    const { model, requests } = await modelWithRequests();
    const clean = await verified(model, model.releaseValues(model.forget));
    expect(await recurrencesOf(model.modelId)).toEqual([]);
    const bad = await verified(model, model.releaseValues(model.forget.slice(5), 20));
    expect(bad.result).toBe('FAILED');
    const [recurrence, ...others] = await recurrencesOf(model.modelId);
    expect(others).toEqual([]);
    expect(recurrence).toMatchObject({
      requestId: requests[0],
      firstBadRelease: bad.releaseId,
      lastCleanRelease: clean.releaseId,
      unclearReleases: [],
      verificationId: bad.verificationId,
    });
    const event = await bench.ledger.event(recurrence!.eventIndex);
    expect(event.type).toBe('recurrence-detected');
    expect(JSON.parse(event.content)).toMatchObject({
      requestId: requests[0],
      firstBadRelease: bad.releaseId,
    });
    await bench.verifications.request(bad.releaseId, 'operator');
    await bench.drain(worker);
    await verified(model, model.releaseValues(model.forget.slice(5), 30));
    expect(await recurrencesOf(model.modelId)).toHaveLength(1);
  });

  it('is raised again after a clean release in between, and never for a request that was never clean', async () => {
    const { model, requests } = await modelWithRequests();
    await verified(model, model.releaseValues([], 11));
    expect(await recurrencesOf(model.modelId)).toEqual([]);
    const releases: string[] = [];
    for (const [forgotten, seed] of [
      [model.forget, 12],
      [model.forget.slice(5), 13],
      [model.forget, 14],
      [model.forget.slice(5), 15],
    ] as const) {
      releases.push((await verified(model, model.releaseValues(forgotten, seed))).releaseId);
    }
    const found = await bench.recurrences.list({ requestId: requests[0]! }, { first: 1 });
    expect(found.items.map(({ firstBadRelease }) => firstBadRelease)).toEqual([releases[1]]);
    const rest = await bench.recurrences.list(
      { requestId: requests[0]! },
      { first: 10, after: found.cursorOf(found.items[0]!) },
    );
    expect(rest.items.map(({ firstBadRelease }) => firstBadRelease)).toEqual([releases[3]]);
  });

  it('is covered by the audit', async () => {
    const vkey = bench.keySet.keys.map((key) => ('lacuna:vkey' in key ? key['lacuna:vkey'] : undefined));
    const { publicKey } = parseVerifierKey(vkey.find((text) => text !== undefined)!);
    const audit = (db = database.db) =>
      auditLedger(db, { verifierFor: (origin) => createEd25519Verifier(origin, publicKey) });
    expect((await audit()).findings).toEqual([]);
    expect(await auditVerifications(database.db, bench.keySet)).toEqual([]);
    const { findings } = await tamperedAudit(
      database,
      `update lacuna.recurrence set first_bad_release = last_clean_release
         where event_index = (select min(event_index) from lacuna.recurrence)`,
      audit,
    );
    expect(findings).toMatchObject([{ field: 'recurrence.first_bad_release' }]);
  });
});

describe('drift of the calibration set', () => {
  it('is silent where calibration and commitments are alike', async () => {
    const { model } = await modelWithRequests();
    const { summary, predicate } = await verified(model, model.releaseValues(model.forget));
    expect(summary.drift).toMatchObject({ calibrationSize: 150, commitmentSize: 40 });
    expect(summary.drift!.pValue).toBeGreaterThan(0.001);
    expect(predicate.warnings).toEqual([]);
  });

  it('is a warning in the attestation where they are not, whatever the result', async () => {
    const { model } = await modelWithRequests({ shadowLossOfForget: STRANGER_LOSS * 1.6 });
    const { summary, predicate } = await verified(model, model.releaseValues(model.forget));
    expect(summary.warnings).toContain('CALIBRATION_DRIFTED');
    expect(summary.drift!.shift).not.toBe(0);
    expect(predicate.warnings.join()).toContain('differ under models that saw neither');
  });
});

it('is attested with the warning of its profile where the original never saw the calibration set', async () => {
  const { model } = await modelWithRequests({ calibrationUnknown: true });
  const { summary, predicate } = await verified(model, model.releaseValues(model.forget));
  expect(summary.warnings).toContain('CALIBRATION_UNKNOWN_TO_ORIGINAL');
  expect(predicate.warnings.join()).toMatch(/Of 150 calibration samples \d+ look .* of 80 controls 80:/);
});

describe('a release that is worse than never trained', () => {
  it('shows OVER_UNLEARNED in verdict, counts and warning', async () => {
    const { model, requests } = await modelWithRequests();
    const streisand = merged(
      model.releaseValues(model.forget),
      lossesAround(model.forget.slice(0, 5), 8 * STRANGER_LOSS, 5),
    );
    const { verificationId, summary, predicate } = await verified(model, streisand);
    expect(await bench.results.requestResult(verificationId, requests[0]!)).toMatchObject({
      verdict: 'OVER_UNLEARNED',
    });
    expect(summary.counts.requests.OVER_UNLEARNED).toBe(1);
    expect(predicate.results.verdicts.samples.OVER_UNLEARNED).toBe(5);
    expect(predicate.warnings.join()).toContain('the unlearning itself may show');
    const { explanation } = await bench.explanations.explain({ requestId: requests[0]! });
    expect(explanation.headline).toContain('does worse on these samples than models that never saw them');
  });
});

describe('why', () => {
  it('explains the newest verdict, or that under one release, in numbers and words', async () => {
    const { model, requests } = await modelWithRequests({ frozen: false });
    const clean = await verified(model, model.releaseValues(model.forget));
    await verified(model, model.releaseValues([], 20));
    const bad = await bench.explanations.explain({ requestId: requests[2]! });
    expect(bad.explanation.verdict).toBe('RESIDUAL');
    expect(bad.explanation.level).toBeGreaterThan(0.8);
    expect(bad.explanation.samples).toHaveLength(5);
    expect(bad.explanation.findings[0]).toMatchObject({ question: 'NEVER_TRAINED_LOW', crossed: true });
    expect(bad.explanation.neverTrained).toMatchObject({ size: 150 });
    expect(bad.explanation.members).toMatchObject({ size: 80 });
    expect(bad.explanation.sentences.join(' ')).toContain('too rare to be chance');
    expect(bad.errorBudget).toMatchObject({ alarm: true });
    expect(bad.plot).toMatch(/^<svg.*this request/);
    const good = await bench.explanations.explain({ requestId: requests[2]!, releaseId: clean.releaseId });
    expect(good.explanation.verdict).toBe('NO_RESIDUAL_EVIDENCE');
    expect(Math.abs(good.explanation.level!)).toBeLessThan(0.3);
    for (const sample of good.explanation.samples) {
      expect(sample.target).toBeTypeOf('number');
      expect(sample.out).toBeTypeOf('number');
      expect(sample.in_).toBeTypeOf('number');
    }
  });

  it('refuses a request that no verification covers', async () => {
    const { model } = await modelWithRequests();
    const requestId = await bench.file(model.modelId, ['forget-00000']).catch(() => null);
    await expect(
      bench.explanations.explain({ requestId: requestId ?? '00000000-0000-4000-8000-000000000000' }),
    ).rejects.toMatchObject({ code: 'VERIFICATION_REQUEST_UNKNOWN' });
  });
});
