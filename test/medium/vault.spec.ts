import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  auditVault,
  newVaultKeyText,
  type StoredPart,
  VaultError,
  VaultModule,
  VaultService,
} from '@app/vault';
import { DatabaseModule } from '@app/process';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRegistry, type RegistryBench } from '../support/registry.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { storeSegment } from '../support/vault.js';

@Module({})
class VaultTestModule {}

let database: TestDatabase;
let bench: RegistryBench;
let directory: string;
beforeAll(async () => {
  database = await testDatabase();
  bench = await openRegistry(database);
  directory = mkdtempSync(join(tmpdir(), 'lacuna-vault-'));
});
afterAll(async () => {
  await bench.close();
  await database.close();
  rmSync(directory, { recursive: true });
});

async function withKeys<T>(keyFile: string, work: (vault: VaultService) => Promise<T>): Promise<T> {
  const app = await NestFactory.createApplicationContext(
    {
      module: VaultTestModule,
      imports: [
        DatabaseModule.forRoot(database.address, { name: 'vault-test', poolSize: 4 }),
        VaultModule.forRoot(keyFile),
      ],
    },
    { logger: ['error'] },
  );
  try {
    return await work(app.get(VaultService));
  } finally {
    await app.close();
  }
}

const samplesNamed = (prefix: string, count: number, bytes = 100) =>
  Array.from({ length: count }, (_, i) => ({ sampleId: `${prefix}-${i}`, payload: randomBytes(bytes + i) }));

const bytesOf = (payloads: StoredPart['payloads']) =>
  payloads.reduce((sum, one) => sum + (one instanceof Uint8Array ? one.length : 0), 0);

const idsOf = (samples: readonly { sampleId: string }[]) => samples.map(({ sampleId }) => sampleId);

describe('the vault', () => {
  it('gives payloads back in the order asked for, null where it has none', async () => {
    const { modelId } = await bench.model();
    const samples = samplesNamed('s', 300);
    await storeSegment(bench, modelId, samples.slice(0, 200));
    await storeSegment(bench, modelId, samples.slice(200));
    const asked = [...samples].reverse();
    const read = await bench.vault.read(modelId, ['absent', ...idsOf(asked)]);
    expect(read).toEqual([null, ...asked.map(({ payload }) => payload)]);
    expect(await bench.vault.has(modelId, ['absent', 's-0'])).toEqual([false, true]);
    expect(await bench.vault.read(modelId, [])).toEqual([]);
  });

  it('reads single samples of large segments, and the same sample of another model apart', async () => {
    const [one, other] = [await bench.model(), await bench.model()];
    const samples = samplesNamed('big', 200, 20_000);
    await storeSegment(bench, one.modelId, samples);
    await storeSegment(bench, other.modelId, [{ sampleId: 'big-199', payload: Buffer.from('other') }]);
    const asked = ['big-199', 'big-70', 'big-71'];
    expect(await bench.vault.read(one.modelId, asked)).toEqual([199, 70, 71].map((i) => samples[i]!.payload));
    expect(await bench.vault.read(other.modelId, asked)).toEqual([Buffer.from('other'), null, null]);
  });

  it('reads a block out of parts of several segments, whatever order, with strangers and repetitions', async () => {
    const { modelId } = await bench.model();
    const samples = samplesNamed('block', 1500, 10);
    for (const [from, to] of [
      [0, 700],
      [700, 705],
      [705, 1500],
    ] as const)
      await storeSegment(bench, modelId, samples.slice(from, to));
    const lone = samplesNamed('lone', 3);
    for (const sample of lone) await storeSegment(bench, modelId, [sample]);
    const block = [...samples.slice(300, 1300), ...lone, ...samples.slice(310, 320).reverse()];
    const asked = idsOf(block).flatMap((id, i) => (i % 100 === 7 ? [`absent-${i}`, id] : [id]));
    const expected = asked.map((id) => block.find(({ sampleId }) => sampleId === id)?.payload ?? null);
    expect(await bench.vault.read(modelId, asked)).toEqual(expected);
    const other = await bench.model();
    expect((await bench.vault.has(other.modelId, asked)).some((held) => held)).toBe(false);
  });

  it('gives many bytes in parts of a few megabytes, those of small segments together', async () => {
    const { modelId } = await bench.model();
    const large = samplesNamed('large', 24, 300_000);
    const small = samplesNamed('small', 30);
    await storeSegment(bench, modelId, large);
    for (let from = 0; from < small.length; from += 10)
      await storeSegment(bench, modelId, small.slice(from, from + 10));
    const stored = [...large, ...small];
    const asked = ['absent', ...idsOf(stored)];
    const parts: StoredPart[] = [];
    for await (const part of bench.vault.parts(modelId, asked)) parts.push(part);
    expect(parts.length).toBe(2);
    for (const { payloads } of parts) expect(bytesOf(payloads)).toBeLessThan(2 ** 22);
    const given = new Map(
      parts.flatMap(({ positions, payloads }) => positions.map((position, at) => [position, payloads[at]])),
    );
    expect(given.size).toBe(asked.length);
    expect(given.get(0)).toBeNull();
    // Megabytes, which the matchers compare number by number.
    for (const [at, { payload }] of stored.entries())
      expect(Buffer.compare(given.get(at + 1) as Uint8Array, payload)).toBe(0);
  });

  it('stores a sample once: the second segment is refused whole', async () => {
    const { modelId } = await bench.model();
    const [first, second] = samplesNamed('twice', 2);
    await storeSegment(bench, modelId, [first!]);
    await expect(storeSegment(bench, modelId, [second!, first!])).rejects.toMatchObject({
      constraint_name: 'vault_item_pkey',
    });
    expect(await bench.vault.has(modelId, ['twice-0', 'twice-1'])).toEqual([true, false]);
  });

  it('erases for good: neither payload nor key is left, whoever asks', async () => {
    const { modelId } = await bench.model();
    const samples = samplesNamed('gone', 130);
    const segmentId = await storeSegment(bench, modelId, samples);
    const contentOf = async () => {
      const [row] = await database.admin<{ data_keys: Buffer; ciphertexts: Buffer; erased_count: number }[]>`
        select data_keys, ciphertexts, erased_count from lacuna.vault_content where segment_id = ${segmentId}`;
      return row!;
    };
    const before = await contentOf();
    const erase = () =>
      database.db
        .transaction()
        .execute((tx) => bench.vault.erase(tx, modelId, ['gone-3', 'gone-70', 'absent']));
    const counts = await Promise.all([erase(), erase(), erase()]);
    expect([...counts].sort()).toEqual([0, 0, 2]);
    const after = await contentOf();
    expect(after.erased_count).toBe(2);
    expect(after.data_keys).not.toEqual(before.data_keys);
    const start = samples.slice(0, 3).reduce((sum, { payload }) => sum + payload.length + 16, 0);
    const end = start + samples[3]!.payload.length + 16;
    expect(after.ciphertexts.subarray(start, end)).toEqual(Buffer.alloc(end - start));
    const read = await bench.vault.read(modelId, idsOf(samples));
    expect(read.flatMap((one, at) => (one === null ? [at] : []))).toEqual([3, 70]);
    expect(await auditVault(database.db)).toEqual([]);
    // An index row that came back finds a destroyed key.
    await database.admin`insert into lacuna.vault_item values
      (${modelId}, 'gone-3', ${segmentId}, 3, ${start}, ${end - start})`;
    expect(await bench.vault.read(modelId, ['gone-3'])).toEqual([null]);
    await database.admin`delete from lacuna.vault_item where model_id = ${modelId} and sample_id = 'gone-3'`;
    // The place is free again: a sample stored anew is another one.
    await storeSegment(bench, modelId, [{ sampleId: 'gone-3', payload: Buffer.from('new') }]);
    expect(await bench.vault.read(modelId, ['gone-3', 'gone-4'])).toEqual([
      Buffer.from('new'),
      samples[4]!.payload,
    ]);
  });

  it('confines damage to the sample and names it to the audit, without a key', async () => {
    const { modelId } = await bench.model();
    const samples = samplesNamed('hurt', 10);
    const segmentId = await storeSegment(bench, modelId, samples);
    await database.admin`update lacuna.vault_content set ciphertexts = set_byte(ciphertexts, 5, get_byte(ciphertexts, 5) # 1)
      where segment_id = ${segmentId}`;
    const read = await bench.vault.read(modelId, idsOf(samples));
    expect(read[0]).toBeInstanceOf(VaultError);
    expect(read[0]).toMatchObject({ code: 'VAULT_ITEM_BROKEN' });
    expect(read.slice(1)).toEqual(samples.slice(1).map(({ payload }) => payload));
    const [item] = await database.admin<{ start: number }[]>`update lacuna.vault_item set start = 2147483647
      where model_id = ${modelId} and sample_id = 'hurt-4' returning (select start from lacuna.vault_item old
      where old.model_id = ${modelId} and old.sample_id = 'hurt-4')`;
    const misplaced = await bench.vault.read(modelId, idsOf(samples));
    expect(misplaced.map((one) => one instanceof VaultError)).toEqual(
      samples.map((_, i) => i === 0 || i === 4),
    );
    await database.admin`update lacuna.vault_item set start = ${item!.start}
      where model_id = ${modelId} and sample_id = 'hurt-4'`;
    expect(await auditVault(database.db)).toEqual([
      expect.objectContaining({ index: segmentId, field: 'vault_content.ciphertexts' }),
    ]);
    await database.admin`delete from lacuna.vault_item where model_id = ${modelId} and sample_id = 'hurt-0'`;
    expect(await auditVault(database.db)).toEqual([expect.objectContaining({ field: 'vault_item.slot' })]);
    // Two index rows exchanged: neither opens for the other's name.
    await database.admin`update lacuna.vault_item set sample_id = case sample_id when 'hurt-1' then 'hurt-x' else sample_id end
      where model_id = ${modelId}`;
    expect(await bench.vault.read(modelId, ['hurt-x', 'hurt-2'])).toEqual([
      expect.objectContaining({ code: 'VAULT_ITEM_BROKEN' }),
      samples[2]!.payload,
    ]);
    await database.admin`delete from lacuna.vault_item where model_id = ${modelId}`;
    await database.admin`update lacuna.vault_content set erased_count = 10 where segment_id = ${segmentId}`;
  });

  it('lets the application role change nothing but what rotation and erasure need', async () => {
    for (const statement of [
      `update vault_content set item_digests = item_digests`,
      `update vault_item set slot = slot`,
      `delete from vault_content`,
      `delete from vault_segment`,
    ])
      await expect(database.sql.unsafe(statement)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('rotation', () => {
  it('wraps every segment under the new key; then the old one is not needed any more', async () => {
    const { modelId } = await bench.model();
    const keyFile = join(directory, 'rotating');
    const [old, fresh] = [newVaultKeyText(), newVaultKeyText()];
    writeFileSync(keyFile, old);
    const samples = samplesNamed('turn', 20);
    await withKeys(keyFile, async (vault) => {
      await storeSegment({ ledger: bench.ledger, vault }, modelId, samples.slice(0, 10));
      writeFileSync(keyFile, fresh + old);
      await storeSegment({ ledger: bench.ledger, vault }, modelId, samples.slice(10));
      expect((await vault.status()).keys.filter(({ known }) => known)).toMatchObject([
        { active: true, segments: 1, samples: 10 },
        { active: false, segments: 1, samples: 10 },
      ]);
    });
    const onlyFresh = join(directory, 'only-fresh');
    writeFileSync(onlyFresh, fresh);
    await withKeys(onlyFresh, async (vault) => {
      await expect(vault.read(modelId, ['turn-0'])).rejects.toMatchObject({
        code: 'VAULT_KEY_MISSING',
        retryable: true,
      });
      await expect(
        database.db.transaction().execute((tx) => vault.erase(tx, modelId, ['turn-0'])),
      ).rejects.toMatchObject({ code: 'VAULT_KEY_MISSING' });
      expect((await vault.read(modelId, ['turn-10']))[0]).toEqual(samples[10]!.payload);
    });
    // Segments of the other tests lie under the key of this process.
    const { testVaultKeyFile } = await import('../support/vault.js');
    const { readFileSync } = await import('node:fs');
    appendFileSync(keyFile, readFileSync(testVaultKeyFile()));
    await withKeys(keyFile, async (vault) => {
      expect(await vault.rotate()).toBeGreaterThan(0);
      expect(await vault.rotate()).toBe(0);
    });
    await withKeys(onlyFresh, async (vault) => {
      expect(await vault.read(modelId, idsOf(samples))).toEqual(samples.map(({ payload }) => payload));
      expect(await auditVault(database.db)).toEqual([]);
    });
  });
});
