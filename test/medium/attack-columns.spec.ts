import { createEd25519Verifier, parseVerifierKey } from '@app/tlog';
import { auditRecordings } from '@app/inference';
import { auditLedger, LEDGER_TABLES } from '@app/ledger';
import type { Database } from '@app/persistence';
import { auditSampleSets } from '@app/registry';
import { auditVerifications } from '@app/verification';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editOf, UNDETECTED, undetectedTable } from '../support/column-edits.js';
import { tamperedAudit } from '../support/tamper.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  openVerification,
  openWorker,
  syntheticModel,
  type VerificationBench,
} from '../support/verification.js';

describe('an edit of any column by a superuser with all guards off', () => {
  let database: TestDatabase;
  let bench: VerificationBench;
  beforeAll(async () => {
    database = await testDatabase();
    bench = await openVerification(database);
    const worker = await openWorker(database, 'worker-a');
    const model = await syntheticModel(bench, { frozen: false });
    for (let i = 0; i < 40; i += 5) await bench.file(model.modelId, model.forget.slice(i, i + 5));
    await bench.freeze(model.modelId);
    let releaseId = '';
    for (const seed of [10, 20, 25, 30]) {
      releaseId = await bench.release(model.modelId, model.releaseValues(model.forget, seed));
      await bench.drain(worker);
    }
    const [first, second, third] = (await bench.releases.list(model.modelId, { first: 3 })).items;
    await bench.standings.withdraw(
      { releaseId: first!.releaseId, reason: 'RETIRED', idempotencyKey: 'withdrawal' },
      'platform:test',
    );
    await bench.standings.supersede(
      { releaseId: second!.releaseId, successorId: third!.releaseId, idempotencyKey: 'supersession' },
      'platform:test',
    );
    const { items } = await bench.requests.list({}, { first: 4 });
    await bench.erasures.erase(
      { requestId: items[3]!.requestId, reason: 'LEGAL_ORDER', idempotencyKey: 'erasure' },
      'operator:test',
    );
    await bench.verifications.request(releaseId, 'operator');
    await bench.drain(worker);
    await worker.close();
  });
  afterAll(async () => {
    await bench.close();
    await database.close();
  });

  const audit = async (db: Database) => {
    const vkey = bench.keySet.keys.flatMap((key) => ('lacuna:vkey' in key ? [key['lacuna:vkey']] : []))[0]!;
    const { publicKey } = parseVerifierKey(vkey);
    const furtherChecks = [
      auditRecordings,
      auditSampleSets,
      (of: Database) => auditVerifications(of, bench.keySet),
    ];
    const verifierFor = (origin: string) => createEd25519Verifier(origin, publicKey);
    return (await auditLedger(db, { verifierFor, furtherChecks })).findings;
  };

  it('starts from a clean ledger', async () => {
    expect(await audit(database.db)).toEqual([]);
  });

  it.each(LEDGER_TABLES)('of %s is found, unless it is listed as no evidence', async (table) => {
    const columns = await database.admin<{ name: string; type: string }[]>`
      select column_name as name, data_type as type from information_schema.columns
      where table_schema = 'lacuna' and table_name = ${table} order by ordinal_position`;
    const [{ n } = { n: 0n }] = await database.admin.unsafe<{ n: bigint }[]>(
      `select count(*) as n from lacuna.${table}`,
    );
    const wrong: string[] = [];
    for (const { name, type } of columns) {
      if (n === 0n) continue;
      const field = `${table}.${name}`;
      const findings = await tamperedAudit(database, editOf(table, name, type), audit).catch(
        (error: unknown) => {
          // A constraint that holds even without triggers: prevented.
          if (['23514', '23505', '23502', '428C9'].includes((error as { code: string }).code))
            return ['prevented'];
          throw new Error(`${field}: ${String(error)}`);
        },
      );
      if (findings.length === 0 && !(field in UNDETECTED)) wrong.push(`${field}: nothing found`);
    }
    expect(wrong).toEqual([]);
  });

  it('that is not found is listed in the README', () => {
    const readme = readFileSync(new URL('../../libs/ledger/README.md', import.meta.url), 'utf8');
    expect(readme).toContain(undetectedTable());
  });
});
