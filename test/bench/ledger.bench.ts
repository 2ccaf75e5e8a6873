/**
 * The ledger's speed on the embedded PostgreSQL with fsync on, each figure beside its plain counterpart in the same run:
 * bulk intake against INSERT and COPY of the same bytes, group commit against one transaction each, integration, proofs
 * and audit of a log of a million leaves, and the memory all of that takes.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { loadConfig } from '@app/config';
import { auditLedger } from '@app/ledger';
import { connect, type DatabaseAddress, migrate, openKysely, ownDatabase, type Sql } from '@app/persistence';
import { installQueue } from '@app/queue';
import { compileAuditThread } from '../support/audit-thread.js';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { openRegistry, PLATFORM } from '../support/registry.js';
import { atLeast, atMost, type BenchResult } from './bench-result.js';

const LEAVES = 1_000_000;
/** Bulk intake and its plain counterparts take turns at parts of it, so that the hour and the growing tables meet all alike. */
const SLICES = 10;
const SLICE = LEAVES / SLICES;
/** Samples of one request in bulk intake. */
const CHUNK = 4096;
const SINGLE_APPENDS = 4_000;
const UNGROUPED_APPENDS = 1_000;
const CLIENTS = 64;
const PROOFS = 2_000;

export async function run(): Promise<{ bench: 'ledger'; results: BenchResult[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-bench-'));
  const server = await ownDatabase(loadConfig({ LACUNA_DATA_DIR: directory }), () => undefined);
  const admin = connect(server.address, { as: 'login', name: 'bench-admin', poolSize: CLIENTS });
  const sql = connect(server.address, { as: 'application', name: 'bench', poolSize: CLIENTS });
  try {
    await migrate(admin, undefined, installQueue);
    return { bench: 'ledger', results: await measure(admin, sql, server.address) };
  } finally {
    await Promise.all([admin.end(), sql.end()]);
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(admin: Sql, sql: Sql, address: DatabaseAddress): Promise<BenchResult[]> {
  const ledger = makeTestLedger(openKysely(sql));
  await ledger.service.open();
  const modelId = randomUUID();
  await ledger.service.append(modelOperation(modelId));
  await admin.unsafe(`create table public.plain (log_id int, leaf_index bigint, leaf bytea, leaf_hash bytea,
    content text, salt bytea, sample_id text, request_id uuid, primary key (log_id, leaf_index))`);
  const { vsInsert, vsCopy, rssGrowth } = await bulk(admin, ledger, modelId);
  const integrateRate = await rateOf(LEAVES, () => ledger.integrator.integrateAll());
  const { logId } = await ledger.service.commitmentLog(modelId);
  const proofMs = await proofP99(ledger, logId);
  const auditRate = await auditing(sql, ledger, address);
  const { vsTransactions, vsUngrouped, p99 } = await singleAppends(admin, sql, ledger, modelId);
  const filingRate = await filings(address);
  return [
    atLeast('bulk_vs_insert', vsInsert, 0.7, 'x'),
    atLeast('bulk_vs_copy', vsCopy, 0.35, 'x'),
    atLeast('concurrent64_vs_tx', vsTransactions, 4, 'x'),
    { id: 'concurrent64_vs_ungrouped', value: vsUngrouped, unit: 'x', goal: 'reported', met: true },
    { id: 'filings64_per_s', value: filingRate, unit: '1/s', goal: 'reported', met: true },
    { id: 'ack_p99_ms', value: p99, unit: 'ms', goal: 'reported', met: true },
    atLeast('integrate_leaves_per_s', integrateRate, 150_000, '1/s'),
    atMost('proof_p99_ms', proofMs, 5, 'ms'),
    atMost('rss_growth_mb', rssGrowth / 2 ** 20, 100, 'MB'),
    atLeast('audit_leaves_per_s', auditRate, 250_000, '1/s'),
  ];
}

/** {@link LEAVES} rows each by the ledger, by INSERT and by COPY; the growth is this process's, from slice to slice. */
async function bulk(admin: Sql, ledger: TestLedger, modelId: string) {
  const took = { insert: 0, copy: 0, bulk: 0 };
  const rss: number[] = [];
  const sample = () => void rss.push(process.memoryUsage().rss);
  for (let from = 0; from < LEAVES; from += SLICE) {
    took.insert += await timed(() => plainInserts(admin, from));
    took.copy += await timed(() => plainCopy(admin, from));
    if (from === 0) sample();
    took.bulk += await timed(() => bulkIntake(ledger, modelId, from));
    sample();
  }
  return {
    vsInsert: took.insert / took.bulk,
    vsCopy: took.copy / took.bulk,
    rssGrowth: Math.max(...rss) - rss[0]!,
  };
}

/** Requests of {@link CHUNK} samples, one always ready while another is written, as a stream of them is. */
async function bulkIntake(ledger: TestLedger, modelId: string, first: number): Promise<void> {
  const end = first + SLICE;
  let next = first;
  const client = async (): Promise<void> => {
    while (next < end) {
      const from = next;
      next += CHUNK;
      const samples = Array.from({ length: Math.min(CHUNK, end - from) }, (_, n) => `sample-${from + n}`);
      await ledger.service.append(requestOperation(modelId, samples));
    }
  };
  await Promise.all([client(), client()]);
}

/** On two cores, as the goal says. */
async function auditing(sql: Sql, ledger: TestLedger, address: DatabaseAddress): Promise<number> {
  const thread = await compileAuditThread();
  try {
    return await rateOf(LEAVES, async () => {
      const { findings } = await auditLedger(openKysely(sql), {
        ...ledger,
        threads: { address, count: 2, file: thread.file },
      });
      if (findings.length > 0) throw new Error('the bench ledger is not clean');
    });
  } finally {
    thread.remove();
  }
}

async function rateOf(count: number, work: () => Promise<unknown>): Promise<number> {
  return (count * 1000) / (await timed(work));
}

/** Milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

// Made once: what is compared is the writing of rows.
const LEAF_BYTES = Array.from({ length: 256 }, (_, n) => Buffer.alloc(96, n));
const HASH_BYTES = Array.from({ length: 256 }, (_, n) => Buffer.alloc(32, n));
const CONTENT = 'x'.repeat(330);

/** A row of the bytes that a commitment takes in entry and opening together. */
const plainRow = (logId: number, n: number) => ({
  log_id: logId,
  leaf_index: n,
  leaf: LEAF_BYTES[n % 256]!,
  leaf_hash: HASH_BYTES[n % 256]!,
  content: CONTENT,
  salt: HASH_BYTES[n % 256]!,
  sample_id: `sample-${n}`,
  request_id: '00000000-0000-4000-8000-000000000000',
});

async function plainInserts(admin: Sql, first: number): Promise<void> {
  const end = first + SLICE;
  for (let from = first; from < end; from += 256) {
    const rows = Array.from({ length: Math.min(256, end - from) }, (_, n) => plainRow(1, from + n));
    await admin`insert into public.plain ${admin(rows)}`;
  }
}

async function plainCopy(admin: Sql, first: number): Promise<void> {
  const target = await admin`copy public.plain from stdin`.writable();
  await pipeline(Readable.from(copyBlocks(first)), target);
}

/** Whole blocks: a stream of single lines would measure the stream. */
function* copyBlocks(first: number): Generator<string> {
  const end = first + SLICE;
  for (let from = first; from < end; from += 1000) {
    yield Array.from({ length: Math.min(1000, end - from) }, (_, n) => copyLine(plainRow(2, from + n))).join(
      '',
    );
  }
}

function copyLine(row: ReturnType<typeof plainRow>): string {
  const bytes = (value: Buffer) => `\\\\x${value.toString('hex')}`;
  const { log_id: log, leaf_index: index, leaf, leaf_hash: hash, content, salt, sample_id: sample } = row;
  return `${[log, index, bytes(leaf), bytes(hash), content, bytes(salt), sample, row.request_id].join('\t')}\n`;
}

type TestLedger = ReturnType<typeof makeTestLedger>;

/** 99th percentile of random inclusion proofs; throws when one reads more than one row a tile level. */
async function proofP99(ledger: TestLedger, logId: number): Promise<number> {
  const size = BigInt(LEAVES);
  await ledger.service.proveInclusion(logId, 0n, size);
  const levels = Math.ceil(Math.log2(LEAVES) / 8);
  const { repository } = ledger;
  const readTiles = repository.readTiles.bind(repository);
  repository.readTiles = (on, id, tiles) => {
    if (tiles.length > levels) throw new Error(`a proof read ${tiles.length} tiles of ${levels} levels`);
    return readTiles(on, id, tiles);
  };
  const times: number[] = [];
  for (let n = 0; n < PROOFS; n += 1) {
    const leafIndex = BigInt((n * 7_919_777) % LEAVES);
    const started = performance.now();
    await ledger.service.proveInclusion(logId, leafIndex, size);
    times.push(performance.now() - started);
  }
  repository.readTiles = readTiles;
  return percentile(times, 0.99);
}

function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))]!;
}

/** The same clients append through the ledger, without its groups, and one row each in a transaction of their own. */
async function singleAppends(admin: Sql, sql: Sql, ledger: TestLedger, modelId: string) {
  const times: number[] = [];
  const grouped = await rateOf(SINGLE_APPENDS, () =>
    byClients(SINGLE_APPENDS, async (n) => {
      const started = performance.now();
      await ledger.service.append(requestOperation(modelId, [`single-${n}`]));
      times.push(performance.now() - started);
    }),
  );
  const single = await rateOf(SINGLE_APPENDS, () =>
    byClients(SINGLE_APPENDS, (n) => oneTransaction(admin, n)),
  );
  const { service } = makeTestLedger(openKysely(sql), { limits: { entries: 1 } });
  const ungrouped = await rateOf(UNGROUPED_APPENDS, () =>
    byClients(UNGROUPED_APPENDS, async (n) => {
      await service.append(requestOperation(modelId, [`ungrouped-${n}`]));
    }),
  );
  return { vsTransactions: grouped / single, vsUngrouped: grouped / ungrouped, p99: percentile(times, 0.99) };
}

/** Deletion requests of one sample a second, as the daemon files them: with all that the registry checks and plans. */
async function filings(address: DatabaseAddress): Promise<number> {
  const { requests, model, unique, close } = await openRegistry({ address });
  try {
    const { modelId } = await model();
    const file = (n: number) => ({
      subject: `subject-${n}`,
      regime: 'GDPR',
      receivedAt: new Date(),
      samples: [{ modelId, sampleId: `filed-${n}` }],
      idempotencyKey: unique('filing'),
    });
    return await rateOf(SINGLE_APPENDS, () =>
      byClients(SINGLE_APPENDS, async (n) => {
        await requests.file(file(n), PLATFORM);
      }),
    );
  } finally {
    await close();
  }
}

/** One row in a transaction of its own, under the lock that an append takes, without the ledger. */
async function oneTransaction(admin: Sql, n: number): Promise<void> {
  await admin.begin(async (tx) => {
    await tx`select next_index from lacuna.log_head where log_id = 1 for update`;
    await tx`insert into public.plain ${tx(plainRow(3, n))}`;
  });
}

async function byClients(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}
