/**
 * Every step of an erasure as the last one of a daemon. An erasure is one transaction: event, openings, subject, signals
 * and payloads go together or stay together. After the crash another daemon is asked again under the same key, and there
 * is one erasure, nothing left that it should have destroyed, nothing destroyed that it should have left, and a clean audit.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditRecordings } from '@app/inference';
import { auditLedger, LedgerRepository } from '@app/ledger';
import { auditSampleSets } from '@app/registry';
import { auditVault } from '@app/vault';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErasureRepository } from '../../libs/registry/src/erasure.repository.js';
import { VaultRepository } from '../../libs/vault/src/vault.repository.js';
import { InjectedCrash, Tripwire } from '../support/fault-tripwire.js';
import { makeTestLedger } from '../support/ledger.js';
import { openRegistry, PLATFORM, type RegistryBench } from '../support/registry.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { storeSegment } from '../support/vault.js';

const OPERATOR = 'operator:test';
const SAMPLES = ['a', 'b', 'c', 'd'];
/** Filed together with `a`; `b` is also in a request that stays. */
const ERASED = ['a', 'b'];
const KEPT = ['b', 'c'];

interface Case {
  readonly point: string;
  /** Whether the request is erased after the crash. */
  readonly persisted: boolean;
}

const ERASE: readonly Case[] = [
  { point: 'before erase transaction', persisted: false },
  { point: 'after lockHeads', persisted: false },
  { point: 'before insert erasure', persisted: false },
  { point: 'after insert erasure', persisted: false },
  { point: 'before remove vault items', persisted: false },
  { point: 'after remove vault items', persisted: false },
  { point: 'before overwrite vault content', persisted: false },
  { point: 'after overwrite vault content', persisted: false },
  { point: 'before destroy openings', persisted: false },
  { point: 'after destroy openings', persisted: false },
  { point: 'before insert erased signals', persisted: false },
  { point: 'after insert erased signals', persisted: false },
  { point: 'before insertGroup', persisted: false },
  { point: 'after insertGroup', persisted: false },
  // Durable, and nobody was told.
  { point: 'after erase transaction', persisted: true },
];

let database: TestDatabase;
let benches: RegistryBench[];
let stateFile: string;
/** The log key of the installation. */
const key = generateKeyPairSync('ed25519');
const directory = mkdtempSync(join(tmpdir(), 'lacuna-signer-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach(async () => {
  database = await testDatabase();
  benches = [];
  stateFile = join(directory, database.name);
});
afterEach(async () => {
  for (const bench of benches) await bench.close();
  await database.close();
});

/** A daemon over the test's database. */
async function startDaemon(tripwire?: Tripwire): Promise<RegistryBench> {
  const bench = await openRegistry(database);
  benches.push(bench);
  if (!tripwire) return bench;
  const { app } = bench;
  const ledger = app.get(LedgerRepository, { strict: false });
  tripwire.armTransactions(ledger, 'erase');
  tripwire.arm(ledger, {
    lockHeads: 'lockHeads',
    insertGroup: 'insertGroup',
  });
  tripwire.arm(app.get(ErasureRepository, { strict: false }), {
    insert: 'insert erasure',
    destroy: 'destroy openings',
    insertSignals: 'insert erased signals',
  });
  tripwire.arm(app.get(VaultRepository, { strict: false }), {
    removeItems: 'remove vault items',
    replaceContent: 'overwrite vault content',
  });
  return bench;
}

/** A model whose vault holds four samples, and two requests that share one of them. */
async function filed() {
  const bench = await startDaemon();
  const { modelId } = await bench.modelKnowing(SAMPLES);
  await storeSegment(
    bench,
    modelId,
    SAMPLES.map((sampleId) => ({ sampleId, payload: Buffer.from(`payload of ${sampleId}`) })),
  );
  const file = (on: RegistryBench, key: string, sampleIds: readonly string[]) =>
    on.requests.file(
      {
        subject: `subject of ${key}`,
        regime: 'GDPR',
        receivedAt: new Date('2026-01-15T09:00:00.000Z'),
        samples: sampleIds.map((sampleId) => ({ modelId, sampleId })),
        idempotencyKey: key,
      },
      PLATFORM,
    );
  const erased = await file(bench, 'erased', ERASED);
  const kept = await file(bench, 'kept', KEPT);
  return { modelId, file, erased, kept };
}

const erase = (bench: RegistryBench, requestId: string) =>
  bench.erasures.erase({ requestId, reason: 'SUBJECT_REQUEST', idempotencyKey: 'erase' }, OPERATOR);

async function openings(requestId: string): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int from commitment join commitment_opening using (log_id, leaf_index)
    where request_id = ${requestId}`;
  return row!.count;
}

async function expectCleanAudit(): Promise<void> {
  const ledger = makeTestLedger(database.db, { stateFile }, key);
  await ledger.integrator.integrateAll();
  expect(ledger.errors).toEqual([]);
  const { findings } = await auditLedger(database.db, {
    verifierFor: ledger.verifierFor,
    furtherChecks: [auditRecordings, auditSampleSets, auditVault],
  });
  expect(findings).toEqual([]);
}

describe('a daemon that ends while it erases', () => {
  it.each(ERASE)('$point (persisted: $persisted)', async ({ point, persisted }) => {
    const { modelId, file, erased, kept } = await filed();
    const { requestId } = erased;
    const tripwire = new Tripwire(point);
    const dying = await startDaemon(tripwire);
    await expect(erase(dying, requestId)).rejects.toBeInstanceOf(InjectedCrash);
    expect(tripwire.fired).toBe(true);

    const next = await startDaemon();
    const left = await next.erasures.of(requestId);
    expect(left !== null).toBe(persisted);
    expect((await next.requests.get(requestId)).subject).toBe(persisted ? null : erased.subject);
    expect(await openings(requestId)).toBe(persisted ? 0 : ERASED.length);
    expect(await next.vault.has(modelId, SAMPLES)).toEqual([!persisted, true, true, true]);
    await expectCleanAudit();

    const erasure = await erase(next, requestId);
    if (left) expect(erasure).toEqual(left);
    expect((await next.requests.get(requestId)).subject).toBeNull();
    expect(await openings(requestId)).toBe(0);
    expect(await next.vault.has(modelId, SAMPLES)).toEqual([false, true, true, true]);
    await expect(file(next, 'erased', ERASED)).rejects.toMatchObject({ code: 'LEDGER_CONTENT_ERASED' });

    expect(await file(next, 'kept', KEPT)).toEqual(kept);
    expect(await openings(kept.requestId)).toBe(KEPT.length);
    const log = await next.ledger.commitmentLog(modelId);
    expect(await next.ledger.nextIndex(log.logId)).toBe(BigInt(ERASED.length + KEPT.length));
    await expectCleanAudit();
  });
});
