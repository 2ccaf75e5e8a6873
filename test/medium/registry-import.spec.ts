import { gzipSync } from 'node:zlib';
import type { ImportedChunk } from '@app/registry';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesOf, openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
const NOW = new Date('2026-06-01T12:00:00.000Z');
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database(), () => NOW));
afterAll(() => bench?.close());

const line = (modelId: string, subject: string, samples: readonly string[]): string =>
  `${JSON.stringify({
    subject,
    regime: 'CCPA',
    receivedAt: '2026-05-01T00:00:00Z',
    samples: samples.map((sampleId) => ({ modelId, sampleId })),
  })}\n`;

const many = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

async function run(text: string | Uint8Array, key: string, firstLine = 1): Promise<ImportedChunk[]> {
  const { imports } = await open();
  const chunks: ImportedChunk[] = [];
  for await (const chunk of imports.import(bytesOf(text), { key, firstLine }, PLATFORM)) chunks.push(chunk);
  return chunks;
}

const counts = (chunks: readonly ImportedChunk[]) =>
  chunks.map(({ firstLine, lastLine, requests, commitments }) => [
    firstLine,
    lastLine,
    requests,
    commitments,
  ]);

describe('bulk import', () => {
  it('files each request with its commitments, gzip or not, and asks for one verification a chunk', async () => {
    const { model, requests, modelKnowing, record, releases, unique } = await open();
    const { modelId } = await modelKnowing(['a', 'b', 'c']);
    const { recordingId } = await record(['a', 'b', 'c']);
    await releases.register({ modelId, name: 'r', recordingId, idempotencyKey: unique('key') }, PLATFORM);
    const other = await model();
    const before = await rowCounts(database());
    const text =
      line(modelId, 'one', ['a', 'b']) + line(modelId, 'two', ['c']) + line(other.modelId, 'three', ['a']);
    expect(counts(await run(gzipSync(`\uFEFF${text.replaceAll('\n', '\r\n')}`.trimEnd()), 'gz'))).toEqual([
      [1, 3, 3, 4],
    ]);
    const after = await rowCounts(database());
    expect(after['deletion_request']! - before['deletion_request']!).toBe(3);
    expect(after['commitment_opening']! - before['commitment_opening']!).toBe(4);
    expect(after['jobs']! - before['jobs']!).toBeLessThanOrEqual(1);
    const { items } = await requests.list({ subject: 'one' }, { first: 10 });
    expect(items).toMatchObject([
      { regime: 'CCPA', sampleCount: 2, filedAt: NOW, dueAt: new Date('2026-06-15T00:00:00Z') },
    ]);
    const page = await requests.commitments({ requestId: items[0]!.requestId }, { first: 10 });
    expect(page.items.map(({ sampleId, position }) => [sampleId, position])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('reports lines it cannot file and files all others', async () => {
    const { modelKnowing, sets, record, unique } = await open();
    const { modelId } = await modelKnowing(['k1', 'k2']);
    const { recordingId } = await record(many(120, 'cal'));
    await sets.register(
      {
        modelId,
        role: 'calibration',
        name: 'cal',
        recordingId,
        trustedUnder: 'retrain',
        idempotencyKey: unique('key'),
      },
      PLATFORM,
    );
    const unknown = '00000000-0000-4000-8000-00000000dead';
    const text = [
      line(modelId, 'good', ['k1']),
      'not json\n',
      line(unknown, 'nobody', ['k1']),
      line(modelId, 'calibrated', ['k2', 'cal-7']),
      line(modelId, 'twice', ['k1', 'k1']),
      line(modelId, 'good too', ['k2']),
    ].join('');
    const [chunk] = await run(text, 'bad lines');
    expect(chunk).toMatchObject({ firstLine: 1, lastLine: 6, requests: 2, commitments: 2 });
    expect(chunk!.refused.map(({ line: number, code }) => [number, code])).toEqual([
      [2, 'REGISTRY_IMPORT_MALFORMED_LINE'],
      [3, 'REGISTRY_NOT_FOUND'],
      [4, 'REGISTRY_CALIBRATION_COMMITTED'],
      [5, 'REGISTRY_DUPLICATE_SAMPLE'],
    ]);
    // The same answer again, from what was stored.
    expect(await run(text, 'bad lines')).toEqual([chunk]);
  });

  it('files nothing twice: sent again, resumed, or twice at once', async () => {
    const { model, imports } = await open();
    const { modelId } = await model();
    const requests = many(9, 'subject').map((subject, n) => line(modelId, subject, many(1000, `s${n}`)));
    const text = requests.join('');
    const before = await rowCounts(database());
    // The connection breaks in the sixth line.
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* bytesOf(requests.slice(0, 5).join(''), requests[5]!.slice(0, 100));
      throw new Error('the client has gone');
    }
    const seen: ImportedChunk[] = [];
    await expect(
      (async () => {
        for await (const chunk of imports.import(broken(), { key: 'resumed' }, PLATFORM)) seen.push(chunk);
      })(),
    ).rejects.toThrow('the client has gone');
    expect(counts(seen)).toEqual([[1, 4, 4, 4000]]);
    expect(await imports.state('resumed')).toEqual({
      nextLine: 5,
      requests: 4,
      commitments: 4000,
      refused: 0,
    });
    const rest = requests.slice(4).join('');
    const resumed = await Promise.all([run(rest, 'resumed', 5), run(rest, 'resumed', 5)]);
    expect(resumed.map(counts)).toEqual([
      [
        [5, 8, 4, 4000],
        [9, 9, 1, 1000],
      ],
      [
        [5, 8, 4, 4000],
        [9, 9, 1, 1000],
      ],
    ]);
    expect(counts(await run(text, 'resumed'))).toHaveLength(3);
    const after = await rowCounts(database());
    expect(after['deletion_request']! - before['deletion_request']!).toBe(9);
    expect(after['commitment']! - before['commitment']!).toBe(9000);
  });

  it('files nothing again of a chunk of which a request was erased', async () => {
    const { model, requests, erasures } = await open();
    const { modelId } = await model();
    const text = line(modelId, 'stays', ['a']) + line(modelId, 'goes', ['b']);
    const chunks = await run(text, 'erased');
    const { items } = await requests.list({ subject: 'goes' }, { first: 1 });
    const { requestId } = items[0]!;
    await erasures.erase({ requestId, reason: 'SUBJECT_REQUEST', idempotencyKey: 'erase-goes' }, PLATFORM);
    const before = await rowCounts(database());
    expect(await run(text, 'erased')).toEqual(chunks);
    expect(await rowCounts(database())).toEqual(before);
  });

  it('refuses another file under the same key, and what is no import, and keeps nothing of it', async () => {
    const { model, imports } = await open();
    const { modelId } = await model();
    await run(line(modelId, 'first', ['a']), 'taken');
    const before = await rowCounts(database());
    await expect(run(line(modelId, 'second', ['b']), 'taken')).rejects.toMatchObject({
      code: 'REGISTRY_IMPORT_CONFLICT',
      details: { line: 1 },
    });
    await expect(run('', 'empty')).rejects.toMatchObject({ code: 'REGISTRY_IMPORT_EMPTY' });
    const cut = gzipSync(line(modelId, 'cut', ['c'])).subarray(0, 60);
    await expect(run(cut, 'cut')).rejects.toMatchObject({ code: 'REGISTRY_IMPORT_COMPRESSION_BROKEN' });
    const bomb = gzipSync(Buffer.alloc(120_000_000, 0x20));
    await expect(run(bomb, 'bomb')).rejects.toMatchObject({ code: 'REGISTRY_IMPORT_TOO_LARGE' });
    await expect(run('{}\n', 'x'.repeat(181))).rejects.toMatchObject({ code: 'REGISTRY_INPUT_INVALID' });
    await expect(imports.state('')).rejects.toMatchObject({ code: 'REGISTRY_INPUT_INVALID' });
    expect(await rowCounts(database())).toEqual(before);
    expect(await imports.state('never seen')).toEqual({
      nextLine: 1,
      requests: 0,
      commitments: 0,
      refused: 0,
    });
  });
});
