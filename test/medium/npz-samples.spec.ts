/** Samples as numpy's .npz files, over HTTP: stored as the same samples in NDJSON are, or refused, and nothing left behind. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { npyArray, npyTexts, npzFile } from '../support/npz.js';
import { openRegistry, type RegistryBench } from '../support/registry.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { testVaultKeyFile } from '../support/vault.js';

const SECRET = 'secret-sample';
const MAX_BYTES = 2_000_000;

let database: TestDatabase;
let bench: RegistryBench;
let daemon: TestDaemon;
let directory: string;
beforeAll(async () => {
  database = await testDatabase();
  bench = await openRegistry(database);
  daemon = await testDaemon(database, {
    settings: { LACUNA_UPLOAD_MAX_BYTES: String(MAX_BYTES), LACUNA_VAULT_KEY: testVaultKeyFile() },
  });
  directory = mkdtempSync(join(tmpdir(), 'lacuna-npz-'));
  vi.stubEnv('TMPDIR', directory);
});
afterAll(async () => {
  await daemon.close();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
  await bench.close();
  await database.close();
});

interface Data {
  readonly ids: readonly string[];
  readonly labels: readonly number[];
  /** Two numbers a sample. */
  readonly x: Float32Array;
  /** One number a sample. */
  readonly length: BigInt64Array;
}

function dataOf(count: number): Data {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return {
    ids: numbers.map((i) => `s${i}`),
    labels: numbers.map((i) => i % 7),
    x: Float32Array.from({ length: 2 * count }, (_, i) => i / 8),
    length: BigInt64Array.from(numbers, (i) => BigInt(i * 3)),
  };
}

const arraysOf = ({ ids, labels, x, length }: Data) => ({
  sample_ids: npyTexts(ids),
  labels: npyArray('<i8', [labels.length], BigInt64Array.from(labels, BigInt)),
  x: npyArray('<f4', [ids.length, 2], x),
  length: npyArray('<i8', [ids.length], length),
});

const linesOf = ({ ids, labels, x, length }: Data): string =>
  ids
    .map((sampleId, i) =>
      JSON.stringify({
        sampleId,
        label: labels[i],
        inputs: {
          x: { dtype: 'float32', shape: [2], data: [...x.subarray(2 * i, 2 * i + 2)] },
          length: { dtype: 'int64', shape: [], data: [Number(length[i])] },
        },
      }),
    )
    .join('\n');

async function upload(modelId: string, body: Buffer | string, contentType = 'application/x-npz') {
  const path = `/v1/models/${modelId}/samples`;
  const answer = await daemon.upload('platform', path, body as NonNullable<RequestInit['body']>, contentType);
  return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
}

const changed = (data: Data, at: number): Data => ({
  ...data,
  x: data.x.map((value, i) => (i === 2 * at ? value + 1 : value)),
});

describe('an .npz file', () => {
  it.each([
    ['savez', 'application/x-npz', false],
    ['savez', 'application/octet-stream', false],
    ['savez_compressed', 'application/zip', true],
  ])('of %s, sent as %s, stores what the same samples as NDJSON do', async (_how, type, isCompressed) => {
    const data = dataOf(50);
    const npz = npzFile(arraysOf(data), isCompressed);
    const [one, other] = [await bench.model(), await bench.model()];
    expect(await upload(one.modelId, npz, type)).toEqual({
      status: 200,
      modelId: one.modelId,
      stored: 50,
      known: 0,
    });
    expect(await upload(other.modelId, linesOf(data), 'application/x-ndjson')).toMatchObject({ stored: 50 });
    const payloads = async (modelId: string) =>
      (await bench.vault.read(modelId, data.ids)).map((payload) =>
        Buffer.from(payload as Uint8Array).toString('hex'),
      );
    expect(await payloads(one.modelId)).toEqual(await payloads(other.modelId));
    // The same file again, and the other form of it, find everything there.
    for (const [body, as] of [
      [npz, type],
      [linesOf(data), 'application/x-ndjson'],
    ] as const)
      expect(await upload(one.modelId, body, as)).toMatchObject({ status: 200, stored: 0, known: 50 });
  });

  it('is taken chunk by chunk: what comes before a refused sample is kept, and the corrected file goes on', async () => {
    const { modelId } = await bench.model();
    const data = dataOf(5000);
    await upload(modelId, npzFile(arraysOf(dataOf(1))));
    const bad = { ...data, labels: data.labels.map((label, i) => (i === 4500 ? -1 : label)) };
    expect(await upload(modelId, npzFile(arraysOf(bad)))).toMatchObject({
      status: 422,
      error: { code: 'SAMPLE_MALFORMED', details: { index: 4500, field: 'labels' } },
    });
    expect(await bench.vault.has(modelId, ['s4095', 's4096'])).toEqual([true, false]);
    expect(await upload(modelId, npzFile(arraysOf(data), true))).toMatchObject({ stored: 904, known: 4096 });
    const events = await database.admin<{ count: number }[]>`
      select (content::json->>'sampleCount')::int as count from lacuna.event
      where type = 'samples-stored' and content like ${`%${modelId}%`} order by leaf_index`;
    expect(events.map(({ count }) => count)).toEqual([1, 4095, 904]);
  });

  it('counts an id once whose samples are equal, and refuses other content under a known id', async () => {
    const { modelId } = await bench.model();
    const data = dataOf(4);
    const twice = {
      ids: [...data.ids, 's3'],
      labels: [...data.labels, data.labels[3]!],
      x: Float32Array.of(...data.x, ...data.x.subarray(6)),
      length: BigInt64Array.of(...data.length, data.length[3]!),
    };
    const mismatch = { status: 409, error: { code: 'REGISTRY_SAMPLE_MISMATCH', details: { index: 4 } } };
    expect(await upload(modelId, npzFile(arraysOf(changed(twice, 4))))).toMatchObject(mismatch);
    expect(await bench.vault.has(modelId, ['s0'])).toEqual([false]);
    expect(await upload(modelId, npzFile(arraysOf(twice)))).toMatchObject({ stored: 4, known: 0 });
    expect(await upload(modelId, npzFile(arraysOf(changed(data, 2))))).toMatchObject({
      status: 409,
      error: { code: 'REGISTRY_SAMPLE_MISMATCH', details: { index: 2 } },
    });
  });

  it('that cannot be taken is refused with a code and without its content; nothing of any stays on disk', async () => {
    const { modelId } = await bench.model();
    const data = { ...dataOf(3), ids: ['a', SECRET, 'c'] };
    const arrays = arraysOf(data);
    const wide = npyArray('|u1', [3, 1_000_000], new Uint8Array(3_000_000));
    const files: [Buffer, number, string][] = [
      [npzFile({ ...arrays, x: arraysOf(dataOf(2)).x }), 422, 'SAMPLE_ARRAY_REFUSED'],
      [npzFile({ ...arrays, sample_ids: npyTexts([SECRET, `${SECRET} `, 'c']) }), 422, 'SAMPLE_MALFORMED'],
      [npzFile(arrays).subarray(0, -5), 422, 'SAMPLE_ARCHIVE_BROKEN'],
      [npzFile({ ...arrays, wide }, true), 413, 'SAMPLE_UPLOAD_TOO_LARGE'],
      [npzFile({ ...arrays, wide }), 413, 'SAMPLE_UPLOAD_TOO_LARGE'],
      [npyArray('|S13', [1], Buffer.from(SECRET)), 422, 'SAMPLE_ARRAY_REFUSED'],
      [npzFile(arraysOf(dataOf(0))), 422, 'SAMPLE_UPLOAD_EMPTY'],
      [Buffer.alloc(0), 422, 'SAMPLE_UPLOAD_EMPTY'],
    ];
    for (const [file, status, code] of files) {
      const answer = await upload(modelId, file);
      expect(answer).toMatchObject({ status, error: { code } });
      expect(JSON.stringify(answer)).not.toContain(SECRET);
    }
    expect(await bench.vault.has(modelId, data.ids)).toEqual([false, false, false]);
    expect(await upload(modelId, npzFile(arrays))).toMatchObject({ status: 200, stored: 3 });
    expect(daemon.logLines.join('')).not.toContain(SECRET);
    expect(readdirSync(join(directory, 'lacuna-uploads'))).toEqual([]);
  });

  it.each(['/v1/recordings?kind=loss', '/v1/artifacts?kind=onnx&entry=m.onnx&outputForm=logits'])(
    'is no upload for %s',
    async (path) => {
      const answer = await daemon.upload('platform', path, npzFile({}), 'application/zip');
      expect(await answer.json()).toMatchObject({ error: { code: 'REQUEST_UNSUPPORTED_MEDIA_TYPE' } });
    },
  );
});
