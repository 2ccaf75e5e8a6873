import { auditVerifications } from '@app/verification';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tamperedAudit } from '../support/tamper.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  openVerification,
  openWorker,
  syntheticModel,
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
  const model = await syntheticModel(bench);
  for (let i = 0; i < 20; i += 5) await bench.file(model.modelId, model.forget.slice(i, i + 5));
  await bench.freeze(model.modelId);
  await bench.release(model.modelId, model.releaseValues(model.forget));
  await bench.drain(worker);
  await bench.file(model.modelId, model.forget.slice(20, 30));
  const releaseId = await bench.release(model.modelId, model.releaseValues(model.forget, 30));
  await bench.drain(worker);
  await bench.verifications.request(releaseId, 'operator');
  await bench.drain(worker);
});

afterAll(async () => {
  await worker.close();
  await bench.close();
  await database.close();
});

const second = `(select verification_id from lacuna.attestation where ordinal = 1)`;
const one = (table: string): string =>
  table === 'error_budget_spend'
    ? `place = 1`
    : `ctid = (select ctid from lacuna.${table} where verification_id = ${second} limit 1)`;

describe('the audit of verifications', () => {
  it('finds nothing wrong with what was concluded and attested', async () => {
    expect(await auditVerifications(database.db, bench.keySet)).toEqual([]);
  });

  it.each([
    ['result_block', `leaves = replace(leaves, '"pMember"', '"qMember"')`, 'result_block.leaves'],
    ['result_block', `leaves = replace(leaves, '"index":"3"', '"index":"4"')`, 'result_block.leaves'],
    [
      'result_block',
      `leaves = overlay(leaves placing '111' from position('"score":' in leaves) + 8)`,
      'result_block.leaves',
    ],
    ['result_block', `block_index = block_index + 1`, 'result_block.leaves'],
    [
      'verification_outcome',
      `result_root = decode(repeat('ab', 32), 'hex')`,
      'verification_outcome.result_root',
    ],
    [
      'verification_outcome',
      `result = case result when 'PASSED' then 'FAILED' else 'PASSED' end`,
      'verification_outcome.result',
    ],
    [
      'verification_outcome',
      `summary = jsonb_set(summary, '{counts,requests,RESIDUAL}', '7')`,
      'verification_outcome.summary:counts',
    ],
    [
      'request_result',
      `verdict = case verdict when 'RESIDUAL' then 'INCONCLUSIVE' else 'RESIDUAL' end`,
      'request_result.verdict',
    ],
    ['request_result', `sample_count = sample_count + 1`, 'request_result.sample_count'],
    ['request_result', `statistic = statistic + 1e-6`, 'request_result.statistic'],
    ['request_result', `p_residual = 2`, 'request_result.p_residual'],
    ['verification', `tree_size = tree_size - 1`, 'verification.tree_size'],
    ['attestation', `previous_digest = decode(repeat('ab', 32), 'hex')`, 'attestation.previous_digest'],
    ['attestation', `issued_at = issued_at + interval '1 ms'`, 'attestation.issued_at'],
    ['attestation', `expires_at = expires_at + interval '1 year'`, 'attestation.expires_at'],
    ['attestation', `ordinal = ordinal + 10`, 'attestation.ordinal'],
    ['attestation', `event_index = event_index + 100`, 'attestation.event_index'],
    ['attestation', `attestation_id = gen_random_uuid()`, 'attestation.attestation_id'],
    ['attestation', `jws = jws || 'A'`, 'attestation.jws'],
    ['error_budget_spend', `rule = 'LORD'`, 'error_budget_spend.rule'],
    ['error_budget_spend', `target = 0.5`, 'error_budget_spend.target'],
    ['error_budget_spend', `horizon = 2000`, 'error_budget_spend.horizon'],
    ['error_budget_spend', `epoch = 3`, 'error_budget_spend.epoch'],
    ['error_budget_spend', `place = 7`, 'error_budget_spend.place'],
    ['error_budget_spend', `alarms_before = 2`, 'error_budget_spend.alarms_before'],
    ['error_budget_spend', `p_value = 0.9`, 'error_budget_spend.p_value'],
    ['error_budget_spend', `level = level * 1.01`, 'error_budget_spend.level'],
    ['error_budget_spend', `alarm = true, p_value = level`, 'error_budget_spend.alarm'],
    ['error_budget_spend', `spent_at = spent_at - interval '1 hour'`, 'error_budget_spend.spent_at'],
    [
      'error_budget_spend',
      `verification_id = (select verification_id from lacuna.attestation order by ordinal desc limit 1)`,
      'error_budget_spend.verification_id',
    ],
    ['attestation', `dsse = replace(dsse, '"sig":"', '"sig":"AA')`, 'attestation.dsse'],
  ])('names the column of a changed row of %s (%s)', async (table, change, field) => {
    const findings = await tamperedAudit(
      database,
      `update lacuna.${table} set ${change} where ${one(table)}`,
      (db) => auditVerifications(db, bench.keySet),
    );
    expect(findings.map((finding) => finding.field)).toContain(field);
  });

  it('finds a spend of the error budget that stands for another release, and one that is gone', async () => {
    for (const statement of [
      `update lacuna.error_budget_spend set release_id = gen_random_uuid() where ${one('error_budget_spend')}`,
      `delete from lacuna.error_budget_spend where ${one('error_budget_spend')}`,
    ]) {
      const findings = await tamperedAudit(database, statement, (db) => auditVerifications(db, bench.keySet));
      expect(findings.map((finding) => finding.field)).toContain('error_budget_spend.release_id');
    }
  });

  it('finds a changed score and a missing one', async () => {
    const where = `subject = 'commitments' and width = (select max(width) from lacuna.score_block where subject = 'commitments')`;
    for (const [change, field] of [
      [`scores = overlay(scores placing '\\x01020000'::bytea from 1)`, 'score_block.scores'],
      [`scores = overlay(scores placing '\\xffffffff'::bytea from 1)`, 'score_block.unscorable'],
      [`unscorable = unscorable + 1`, 'score_block.unscorable'],
    ]) {
      const statement = `update lacuna.score_block set ${change} where ctid = (select ctid from lacuna.score_block where ${where} limit 1)`;
      const findings = await tamperedAudit(database, statement, (db) => auditVerifications(db, bench.keySet));
      expect(findings.map((finding) => finding.field)).toContain(field);
    }
  });

  it.each([
    [`scores = overlay(scores placing '\\x01020000'::bytea from 1)`, 'scores'],
    [`scores = overlay(scores placing '\\xffffffff'::bytea from 1), unscorable = unscorable + 1`, 'scores'],
    [`unscorable = unscorable + 1`, 'unscorable'],
    [`scores = substr(scores, 1, 8), width = 2`, 'width'],
    [`block_index = 7`, 'block_index'],
    [`subject = 'controls'`, 'subject'],
    [`release_id = gen_random_uuid()`, 'release_id'],
    [`profile_id = gen_random_uuid()`, 'profile_id'],
  ])('names what is wrong with the stored scores of a sample set: %s', async (change, column) => {
    const statement = `update lacuna.score_block set ${change} where ctid = (
      select ctid from lacuna.score_block where subject <> 'commitments' limit 1)`;
    const findings = await tamperedAudit(database, statement, (db) => auditVerifications(db, bench.keySet));
    expect(findings.map((finding) => finding.field)).toContain(`score_block.${column}`);
  });

  it('finds a removed result and a removed attestation', async () => {
    for (const table of ['result_block', 'request_result', 'attestation']) {
      const statement = `delete from lacuna.${table} where ${one(table)}`;
      const findings = await tamperedAudit(database, statement, (db) => auditVerifications(db, bench.keySet));
      expect(findings, table).not.toEqual([]);
    }
  });
});
