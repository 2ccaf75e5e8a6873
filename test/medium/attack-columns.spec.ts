import { createCosigner, createEd25519Verifier, parseNote, parseVerifierKey } from '@app/tlog';
import { auditArtifacts, auditRecordings } from '@app/inference';
import { type AuditFinding, auditLedger, LEDGER_TABLES, PublicationRepository } from '@app/ledger';
import type { Database } from '@app/persistence';
import { auditSampleSets } from '@app/registry';
import { auditVault } from '@app/vault';
import { auditVerifications } from '@app/verification';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editOf, kindsOf, UNDETECTED, undetectedTable } from '../support/column-edits.js';
import { TEST_TIME } from '../support/ledger.js';
import { CountingRuntimes, liveModel, rememberingModel, storeModel } from '../support/live.js';
import { onnxFile } from '../support/models/write-onnx.js';
import { tamperedAudit } from '../support/tamper.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import {
  openVerification,
  openWorker,
  syntheticModel,
  type TestWorker,
  type VerificationBench,
} from '../support/verification.js';

type Audit = (db: Database) => Promise<readonly AuditFinding[]>;

/** All but those that an endpoint of its own would have to fill: test/medium/endpoint-drift-evidence.spec.ts. */
const TABLES = LEDGER_TABLES.filter((table) => table !== 'drift_check');
/** Tables that erasures and key rotations change, and whose content is evidence all the same. */
const TABLES_BESIDE = ['vault_content', 'vault_item'];
/** What only the audit of verifications looks at. */
const VERIFICATION_TABLES: readonly string[] = [
  'verification',
  'score_block',
  'signal_block',
  'verification_outcome',
  'result_block',
  'request_result',
  'attestation',
  'error_budget_spend',
];

describe('an edit of any column by a superuser with all guards off', () => {
  let database: TestDatabase;
  let bench: VerificationBench;
  beforeAll(async () => {
    database = await testDatabase();
    bench = await openVerification(database);
    const worker = await openWorker(database, 'worker-a', new CountingRuntimes());
    const model = await syntheticModel(bench, { frozen: false });
    for (let i = 0; i < 40; i += 5) await bench.file(model.modelId, model.forget.slice(i, i + 5));
    await bench.freeze(model.modelId);
    let releaseId = '';
    for (const seed of [10, 20, 25, 30]) {
      releaseId = await bench.release(model.modelId, model.releaseValues(model.forget, seed));
      await bench.drain(worker);
    }
    // What was forgotten once is there again: a recurrence.
    await bench.release(model.modelId, model.releaseValues(model.forget.slice(10), 35));
    await bench.drain(worker);
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
    await verifyLiveModel(bench, worker);
    await cosign(database);
    await worker.close();
  });
  afterAll(async () => {
    await bench.close();
    await database.close();
  });

  const vkey = () =>
    bench.keySet.keys.flatMap((key) => ('lacuna:vkey' in key ? [key['lacuna:vkey']] : []))[0]!;
  const ledger: Audit = async (db) => {
    const { publicKey } = parseVerifierKey(vkey());
    const verifierFor = (origin: string) => createEd25519Verifier(origin, publicKey);
    return (await auditLedger(db, { verifierFor })).findings;
  };
  const verifications: Audit = (db) => auditVerifications(db, bench.keySet);
  const audits = [ledger, auditRecordings, auditArtifacts, auditSampleSets, auditVault, verifications];
  /** What the first audit finds that finds anything: an edit is found by whichever. */
  const firstFindings = async (db: Database, order: readonly Audit[]) => {
    for (const audit of order) {
      const findings = await audit(db);
      if (findings.length > 0) return findings;
    }
    return [];
  };

  it('starts from a clean ledger', async () => {
    expect(await firstFindings(database.db, audits)).toEqual([]);
  });

  it.each([...TABLES, ...TABLES_BESIDE])(
    'of %s is found, unless it is listed as no evidence',
    async (table) => {
      const columns = await database.admin<{ name: string; type: string }[]>`
        select column_name as name, data_type as type from information_schema.columns
        where table_schema = 'lacuna' and table_name = ${table} order by ordinal_position`;
      // The slowest audit is the first to look where it is the one that finds.
      const order = VERIFICATION_TABLES.includes(table) ? [...audits].reverse() : audits;
      const wrong: string[] = [];
      for (const kind of kindsOf(table)) {
        for (const { name, type } of columns) {
          const field = `${table}.${name}`;
          const edit = editOf(table, kind, name, type);
          const findings = await tamperedAudit(database, edit, (db) => firstFindings(db, order)).catch(
            (error: unknown) => {
              // A constraint that holds even without triggers: prevented.
              if (['23514', '23505', '23502', '428C9'].includes((error as { code: string }).code))
                return ['prevented'];
              throw new Error(`${field}: ${String(error)}`);
            },
          );
          if (findings.length === 0 && !(field in UNDETECTED))
            wrong.push(`${field} (${kind}): nothing found`);
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  it('that is not found is listed in the README', () => {
    const readme = readFileSync(new URL('../../libs/ledger/README.md', import.meta.url), 'utf8');
    expect(readme).toContain(undetectedTable());
  });
});

/** Two releases of a model that is run, over the same commitments. */
async function verifyLiveModel(bench: VerificationBench, worker: TestWorker): Promise<void> {
  const live = await liveModel(bench, { calibration: 110, controls: 60, forget: 10 });
  await bench.file(live.modelId, live.forget.slice(0, 5));
  await bench.file(live.modelId, live.forget.slice(5));
  await expect(bench.freeze(live.modelId)).rejects.toMatchObject({ code: 'VERIFICATION_SIGNALS_PENDING' });
  await bench.drain(worker);
  await bench.freeze(live.modelId);
  for (const strength of [3, 2]) {
    await live.release(await storeModel(bench, onnxFile(rememberingModel(['controls'], strength))));
    await bench.drain(worker);
  }
}

/** A checkpoint's cosignature, kept as those of witnesses are. */
async function cosign({ db }: TestDatabase): Promise<void> {
  const row = await db
    .selectFrom('checkpoint')
    .select(['log_id', 'tree_size', 'note'])
    .limit(1)
    .executeTakeFirstOrThrow();
  const { privateKey } = generateKeyPairSync('ed25519');
  const witness = createCosigner('witness.test', privateKey, () => 1_700_000_000n);
  const signature = witness.sign(Buffer.from(parseNote(row.note).text));
  const cosignature = { name: witness.name, keyId: witness.keyId, signature };
  await new PublicationRepository(db).addCosignature(row.log_id, row.tree_size, cosignature, TEST_TIME);
}
