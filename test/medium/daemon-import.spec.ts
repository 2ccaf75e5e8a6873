/** Bulk import over HTTP: answers while the file is still being sent, broken connections, refusals with their status. */
import { once } from 'node:events';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let daemon: TestDaemon;
let modelId: string;

beforeAll(async () => {
  database = await testDatabase();
  daemon = await testDaemon(database, { settings: { LACUNA_UPLOAD_MAX_BYTES: '30000000' } });
  const answer = await daemon.graphql(
    'platform',
    'mutation { registerModel(input: {idempotencyKey: "m", name: "m", signalKind: LOSS}) { id } }',
  );
  modelId = (answer.data!['registerModel'] as { id: string }).id;
});
afterAll(async () => {
  await daemon.close();
  await database.close();
});

const line = (subject: string, samples: number): string =>
  `${JSON.stringify({
    subject,
    regime: 'GDPR',
    receivedAt: '2026-05-01T00:00:00Z',
    samples: Array.from({ length: samples }, (_, n) => ({ modelId, sampleId: `${subject}-${n}` })),
  })}\n`;

const PATH = '/v1/deletion-requests/import';
const send = (key: string, body: string | Uint8Array<ArrayBuffer>) =>
  daemon.upload('platform', `${PATH}?key=${key}`, body);
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one) as Record<string, Record<string, unknown>>);

describe('bulk import over HTTP', () => {
  it('answers each chunk and at last a summary', async () => {
    const body = new Uint8Array(gzipSync(line('a', 4000) + line('b', 100) + 'broken\n'));
    const response = await send('all', body);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('application/x-ndjson');
    const [first, second, last] = linesOf(await response.text());
    expect(first).toEqual({
      chunk: { firstLine: 1, lastLine: 1, requests: 1, commitments: 4000, refused: [] },
    });
    expect(second!['chunk']).toMatchObject({ firstLine: 2, lastLine: 3, requests: 1, commitments: 100 });
    expect(last).toEqual({
      done: { chunks: 2, requests: 2, commitments: 4100, refused: 1, nextLine: 4 },
    });
    const state = await daemon.get('platform', `${PATH}?key=all`);
    expect(await state.json()).toEqual({ nextLine: 4, requests: 2, commitments: 4100, refused: 1 });
  });

  it('acknowledges while the rest is still being sent, and keeps that when the connection breaks', async () => {
    const upload = request(`${daemon.url}${PATH}?key=broken`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...(await daemon.headersOf('platform')) },
    });
    upload.on('error', () => undefined);
    upload.write(line('c', 4096) + line('d', 10));
    const [response] = (await once(upload, 'response')) as [NodeJS.ReadableStream];
    const [chunk] = (await once(response, 'data')) as [Buffer];
    expect(linesOf(chunk.toString())[0]!['chunk']).toMatchObject({ lastLine: 1, commitments: 4096 });
    upload.destroy();
    await until(() => daemon.logLines.some((text) => text.includes(PATH)));
    const state = await daemon.get('platform', `${PATH}?key=broken`);
    expect(await state.json()).toEqual({ nextLine: 2, requests: 1, commitments: 4096, refused: 0 });
    const rest = await daemon.upload('platform', `${PATH}?key=broken&firstLine=2`, line('d', 10));
    expect(linesOf(await rest.text()).at(-1)!['done']).toMatchObject({ nextLine: 3, commitments: 10 });
  });

  it.each([
    ['no key', '', '{}\n', 400, 'REQUEST_MALFORMED'],
    ['a first line that is none', '?key=k&firstLine=0', '{}\n', 400, 'REQUEST_MALFORMED'],
    ['an empty file', '?key=k', ' ', 200, null],
    ['no byte', '?key=k', '', 422, 'REGISTRY_IMPORT_EMPTY'],
    ['a bomb', '?key=k', gzipSync(Buffer.alloc(31_000_000)), 413, 'REGISTRY_IMPORT_TOO_LARGE'],
    [
      'a cut file',
      '?key=k',
      gzipSync(line('e', 50)).subarray(0, 40),
      422,
      'REGISTRY_IMPORT_COMPRESSION_BROKEN',
    ],
  ])('%s', async (_what, query, body, status, code) => {
    const bytes = typeof body === 'string' ? body : new Uint8Array(body);
    const response = await daemon.upload('platform', `${PATH}${query}`, bytes);
    expect(response.status).toBe(status);
    const text = await response.text();
    if (code === null) expect(linesOf(text).at(-1)!['done']).toMatchObject({ requests: 0 });
    else expect((JSON.parse(text) as { error: { code: string } }).error.code).toBe(code);
  });

  it('says in the answer what ended it half-way', async () => {
    await send('taken', line('f', 4096) + line('g', 1));
    const response = await send('taken', line('f', 4096) + line('h', 1));
    expect(response.status).toBe(200);
    const answers = linesOf(await response.text());
    expect(answers.at(-1)!['error']).toMatchObject({
      code: 'REGISTRY_IMPORT_CONFLICT',
      retryable: false,
      details: { line: 2 },
    });
    expect(daemon.logLines.join('')).not.toContain('a-17');
  });
});
