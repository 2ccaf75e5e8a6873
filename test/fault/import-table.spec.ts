/**
 * Every step of a chunk of a bulk import as the last one of a daemon. The first of three chunks is acknowledged, the second
 * one is cut off; another daemon says where to go on. At the end each line is filed once, also when the whole file is sent
 * again, acknowledged chunks have the answers they had, and the audit is clean.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditLedger, LedgerRepository } from '@app/ledger';
import type { ImportedChunk } from '@app/registry';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InjectedCrash, Tripwire } from '../support/fault-tripwire.js';
import { makeTestLedger } from '../support/ledger.js';
import { bytesOf, openRegistry, PLATFORM, type RegistryBench } from '../support/registry.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

const KEY = 'import';
/** Two lines fill a chunk. */
const SAMPLES = 2000;
const LINES = 5;

interface Case {
  readonly point: string;
  /** Whether the second chunk is filed after the crash. */
  readonly persisted: boolean;
}

const IMPORT: readonly Case[] = [
  { point: 'before chunk transaction', persisted: false },
  { point: 'after lockHeads', persisted: false },
  { point: 'after moveHeads', persisted: false },
  { point: 'before insertEntries', persisted: false },
  { point: 'after insertEntries', persisted: false },
  { point: 'before insertCommitments', persisted: false },
  { point: 'after insertCommitments', persisted: false },
  // Durable, and nobody was told.
  { point: 'after chunk transaction', persisted: true },
];

let database: TestDatabase;
let benches: RegistryBench[];
/** The log key of the installation. */
const key = generateKeyPairSync('ed25519');
const directory = mkdtempSync(join(tmpdir(), 'lacuna-signer-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach(async () => {
  database = await testDatabase();
  benches = [];
});
afterEach(async () => {
  for (const bench of benches) await bench.close();
  await database.close();
});

async function startDaemon(tripwire?: Tripwire): Promise<RegistryBench> {
  const bench = await openRegistry(database);
  benches.push(bench);
  const ledger = bench.app.get(LedgerRepository, { strict: false });
  tripwire?.armTransactions(ledger, 'chunk');
  tripwire?.arm(ledger, {
    lockHeads: 'lockHeads',
    moveHeads: 'moveHeads',
    insertEntries: 'insertEntries',
    insertCommitments: 'insertCommitments',
  });
  return bench;
}

const lineOf = (modelId: string, line: number): string =>
  `${JSON.stringify({
    subject: `subject-${line}`,
    regime: 'GDPR',
    receivedAt: '2026-01-15T09:00:00Z',
    samples: Array.from({ length: SAMPLES }, (_, n) => ({ modelId, sampleId: `s${line}-${n}` })),
  })}\n`;

/** Sends the lines from `firstLine` on; what was acknowledged is in `chunks` also when it throws. */
async function send(bench: RegistryBench, modelId: string, firstLine: number, chunks: ImportedChunk[]) {
  const lines = Array.from({ length: LINES - firstLine + 1 }, (_, n) => lineOf(modelId, firstLine + n));
  for await (const chunk of bench.imports.import(bytesOf(...lines), { key: KEY, firstLine }, PLATFORM))
    chunks.push(chunk);
}

async function filedSubjects(): Promise<string[]> {
  const rows = await database.sql<{ subject: string }[]>`
    select subject from deletion_request join request_subject using (request_id) order by subject`;
  return rows.map((row) => row.subject);
}

const subjects = (count: number) => Array.from({ length: count }, (_, n) => `subject-${n + 1}`);

describe('a daemon that ends while it imports', () => {
  it.each(IMPORT)('$point (persisted: $persisted)', async ({ point, persisted }) => {
    const { modelId } = await (await startDaemon()).model();
    const tripwire = new Tripwire(point, 2);
    const acknowledged: ImportedChunk[] = [];
    const cut = send(await startDaemon(tripwire), modelId, 1, acknowledged);
    await expect(cut).rejects.toBeInstanceOf(InjectedCrash);
    expect(tripwire.fired).toBe(true);
    expect(acknowledged).toMatchObject([{ firstLine: 1, lastLine: 2, requests: 2, refused: [] }]);

    const next = await startDaemon();
    const filed = persisted ? 4 : 2;
    const { nextLine } = await next.imports.state(KEY);
    expect(nextLine).toBe(filed + 1);
    expect(await filedSubjects()).toEqual(subjects(filed));
    await send(next, modelId, nextLine, []);
    const again: ImportedChunk[] = [];
    await send(next, modelId, 1, again);
    expect(again[0]).toEqual(acknowledged[0]);
    expect(again.map(({ firstLine, lastLine }) => [firstLine, lastLine])).toEqual([
      [1, 2],
      [3, 4],
      [5, 5],
    ]);
    expect(await filedSubjects()).toEqual(subjects(LINES));
    const log = await next.ledger.commitmentLog(modelId);
    expect(await next.ledger.nextIndex(log.logId)).toBe(BigInt(LINES * SAMPLES));

    const ledger = makeTestLedger(database.db, { stateFile: join(directory, database.name) }, key);
    await ledger.integrator.integrateAll();
    expect(ledger.errors).toEqual([]);
    const { findings } = await auditLedger(database.db, { verifierFor: ledger.verifierFor });
    expect(findings).toEqual([]);
  });
});
