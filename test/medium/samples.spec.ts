import { gzipSync } from 'node:zlib';
import { auditLedger } from '@app/ledger';
import { decodeSample } from '@app/inference';
import { auditVault } from '@app/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestLedger } from '../support/ledger.js';
import { bytesOf, openRegistry, type RegistryBench } from '../support/registry.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';

let database: TestDatabase;
let bench: RegistryBench;
beforeAll(async () => {
  database = await testDatabase();
  bench = await openRegistry(database);
});
afterAll(async () => {
  await bench.close();
  await database.close();
});

const text = (sampleId: string, content: string) => `${JSON.stringify({ sampleId, text: content })}\n`;
const store = (modelId: string, file: string | Uint8Array) => bench.samples.store(modelId, bytesOf(file));

async function textsOf(modelId: string, sampleIds: readonly string[]): Promise<(string | null)[]> {
  return (await bench.vault.read(modelId, sampleIds)).map((payload) => {
    if (!(payload instanceof Uint8Array)) return null;
    const sample = decodeSample(payload);
    return sample.form === 'text' ? sample.text : null;
  });
}

describe('storing samples', () => {
  it('keeps what was sent, in chunks of one block, with an event each', async () => {
    const { modelId } = await bench.model();
    const ids = Array.from({ length: 5000 }, (_, i) => `s${i}`);
    const file = gzipSync(ids.map((id) => text(id, `text of ${id}`)).join(''));
    expect(await store(modelId, file)).toEqual({ modelId, stored: 5000, known: 0 });
    expect(await textsOf(modelId, ['s4999', 's0', 'none'])).toEqual(['text of s4999', 'text of s0', null]);
    const events = await database.admin<{ content: string }[]>`
      select content from lacuna.event where type = 'samples-stored' and content like ${`%${modelId}%`} order by leaf_index`;
    expect(events.map(({ content }) => (JSON.parse(content) as { sampleCount: number }).sampleCount)).toEqual(
      [4096, 904],
    );
    expect(events.some(({ content }) => content.includes('text of') || content.includes('s4999'))).toBe(
      false,
    );
  });

  it('passes over what is stored already, and refuses other content under its id', async () => {
    const { modelId } = await bench.model();
    const file = text('a', 'one') + text('b', 'two');
    await store(modelId, file);
    expect(await store(modelId, file + text('c', 'three') + text('c', 'three'))).toEqual({
      modelId,
      stored: 1,
      known: 2,
    });
    await expect(store(modelId, text('d', 'four') + text('b', 'other'))).rejects.toMatchObject({
      code: 'REGISTRY_SAMPLE_MISMATCH',
      details: { line: 2 },
    });
    await expect(store(modelId, text('e', 'five') + text('e', 'other'))).rejects.toMatchObject({
      code: 'REGISTRY_SAMPLE_MISMATCH',
      details: { line: 2 },
    });
    expect(await textsOf(modelId, ['a', 'b', 'c', 'd', 'e'])).toEqual(['one', 'two', 'three', null, null]);
  });

  it('many at once store each sample once', async () => {
    const { modelId } = await bench.model();
    const files = Array.from({ length: 8 }, (_, from) =>
      Array.from({ length: 40 }, (_unused, i) =>
        text(`m${(from * 17 + i) % 60}`, `content ${(from * 17 + i) % 60}`),
      ),
    );
    const answers = await Promise.all(files.map((file) => store(modelId, file.join(''))));
    expect(answers.reduce((sum, { stored }) => sum + stored, 0)).toBe(60);
    const ids = Array.from({ length: 60 }, (_, i) => `m${i}`);
    expect(await textsOf(modelId, ids)).toEqual(ids.map((_, i) => `content ${i}`));
  });

  it('refuses a bad line with its chunk, and an unknown model', async () => {
    const { modelId } = await bench.model();
    await expect(store(modelId, `${text('a', 'x')}{"sampleId":"b"}\n`)).rejects.toMatchObject({
      code: 'SAMPLE_MALFORMED',
      details: { line: 2 },
    });
    expect(await bench.vault.has(modelId, ['a'])).toEqual([false]);
    await expect(store(modelId, '\n')).rejects.toMatchObject({ code: 'SAMPLE_UPLOAD_EMPTY' });
    await expect(store('00000000-0000-4000-8000-000000000000', text('a', 'x'))).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
    });
  });

  it('leaves a ledger that audits clean, and an event without its segment does not', async () => {
    const { verifierFor } = makeTestLedger(database.db);
    const findings = async () =>
      (await auditLedger(database.db, { verifierFor, furtherChecks: [auditVault] })).findings;
    const mine = (await findings()).filter(({ field }) => field.startsWith('vault'));
    expect(mine).toEqual([]);
    await database.admin.begin(async (tx) => {
      await tx.unsafe(`set local lacuna.maintenance = 'on'; set local session_replication_role = replica;
        alter table lacuna.vault_segment disable trigger all`);
      await tx.unsafe(`update lacuna.vault_segment set sample_count = sample_count - 1
        where segment_id = (select segment_id from lacuna.vault_segment order by event_index limit 1)`);
      await tx.unsafe(`alter table lacuna.vault_segment enable always trigger refuse_change;
        alter table lacuna.vault_segment enable always trigger refuse_truncate`);
    });
    expect((await findings()).map(({ field }) => field)).toEqual(
      expect.arrayContaining(['vault_segment.sample_count', 'vault_item.slot']),
    );
  });
});

describe('POST /v1/models/<id>/samples', () => {
  const SECRET = 'the-content-of-a-sample';
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await testDaemon(database);
  });
  afterAll(() => daemon.close());

  it('stores, answers errors with lines, and shows no content in answer, log or database', async () => {
    const { modelId } = await bench.model();
    const path = `/v1/models/${modelId}/samples`;
    const answers = [
      await daemon.upload('platform', path, text('secret-1', SECRET)),
      await daemon.upload('platform', path, text('secret-1', `${SECRET}, but other`)),
      await daemon.upload('platform', path, `${text('secret-2', SECRET)}{"text":"${SECRET}"`),
      await daemon.upload('platform', path, `{"sampleId":"x","text":"a","label":"${SECRET}"}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 422, 422]);
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(JSON.parse(bodies[0]!)).toEqual({ modelId, stored: 1, known: 0 });
    expect(bodies.join('') + daemon.logLines.join('')).not.toContain(SECRET);
    expect(daemon.logLines.join('')).not.toContain('secret-1');
    const tables = await database.admin<{ name: string }[]>`
      select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema in ('lacuna', 'pgboss') and table_type = 'BASE TABLE'`;
    const hex = Buffer.from(SECRET).toString('hex');
    for (const { name } of tables) {
      const [row] = await database.admin.unsafe<{ n: number }[]>(
        `select count(*)::int as n from ${name} held where held::text like '%${SECRET}%' or held::text like '%${hex}%'`,
      );
      expect(row!.n, name).toBe(0);
    }
  });
});
