/**
 * The vault's speed on the embedded PostgreSQL with fsync on: 100,000 payloads of 600 bytes sealed and stored, read back
 * in blocks of 4,096 with decryption (samples of one upload, and samples scattered over all of it), erased, rotated.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@app/config';
import { connect, migrate, openKysely, ownDatabase, type Sql } from '@app/persistence';
import { newVaultKeyText, openVault, type Sample, SEGMENT_WIDTH } from '@app/vault';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation } from '../support/operations.js';
import { storeSegment } from '../support/vault.js';
import { atLeast, type BenchResult } from './bench-result.js';

const SEGMENTS = 24;
const PAYLOAD_BYTES = 600;
const ROUNDS = 3;

export async function run(): Promise<{ bench: 'vault'; results: BenchResult[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-bench-'));
  const server = await ownDatabase(loadConfig({ LACUNA_DATA_DIR: directory }), () => undefined);
  const admin = connect(server.address, { as: 'login', name: 'bench-admin', poolSize: 1 });
  const sql = connect(server.address, { as: 'application', name: 'bench', poolSize: 4 });
  try {
    await migrate(admin);
    return { bench: 'vault', results: await measure(sql, join(directory, 'vault.keys')) };
  } finally {
    await Promise.all([admin.end(), sql.end()]);
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(sql: Sql, keyFile: string): Promise<BenchResult[]> {
  const oldKey = newVaultKeyText();
  writeFileSync(keyFile, oldKey);
  const db = openKysely(sql);
  const { service: ledger } = makeTestLedger(db);
  await ledger.open();
  const modelId = randomUUID();
  await ledger.append(modelOperation(modelId));
  const vault = openVault(db, keyFile);
  const segments = Array.from({ length: SEGMENTS }, (_, at) => samplesOf(at));
  const total = SEGMENTS * SEGMENT_WIDTH;

  const storing = await seconds(async () => {
    for (const samples of segments) await storeSegment({ ledger, vault }, modelId, samples);
  });
  const blocks = segments.map((samples) => samples.map(({ sampleId }) => sampleId));
  let bestBlocks = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const took = await seconds(async () => {
      for (const ids of blocks) await vault.read(modelId, ids);
    });
    bestBlocks = Math.max(bestBlocks, total / took);
  }
  const scattered = blocks[0]!.map((_, at) => `sample-${(at * 6151) % total}`);
  const scattering = await seconds(() => vault.read(modelId, scattered));
  const erasing = await seconds(async () => {
    for (let at = 0; at < 100; at += 1)
      await db.transaction().execute((tx) => vault.erase(tx, modelId, [`sample-${at * 733}`]));
  });
  writeFileSync(keyFile, newVaultKeyText() + oldKey);
  const rotating = await seconds(() => vault.rotate());
  return [
    atLeast('vault_read_block_per_s', bestBlocks, 100_000, 'samples/s'),
    atLeast('vault_store_per_s', total / storing, 20_000, 'samples/s'),
    atLeast('vault_read_scattered_per_s', scattered.length / scattering, 10_000, 'samples/s'),
    atLeast('vault_erase_per_s', 100 / erasing, 20, 'samples/s'),
    atLeast('vault_rotate_per_s', SEGMENTS / rotating, 200, 'segments/s'),
  ];
}

const samplesOf = (segment: number): Sample[] =>
  Array.from({ length: SEGMENT_WIDTH }, (_, slot) => ({
    sampleId: `sample-${segment * SEGMENT_WIDTH + slot}`,
    payload: randomBytes(PAYLOAD_BYTES),
  }));

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
