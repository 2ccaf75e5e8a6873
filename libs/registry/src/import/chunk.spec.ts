import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Line } from '@app/inference';
import { type Chunk, CHUNK_COMMITMENTS, chunksOf } from './chunk.js';

const MODEL = '00000000-0000-4000-8000-000000000001';

const request = (samples: number, subject = 's'): string =>
  JSON.stringify({
    subject,
    regime: 'GDPR',
    receivedAt: '2026-01-31T08:00:00Z',
    samples: Array.from({ length: samples }, (_, n) => ({ modelId: MODEL, sampleId: `x${n}` })),
  });

async function cut(texts: readonly string[], firstLine = 1, batch = 3): Promise<Chunk[]> {
  async function* batches(): AsyncGenerator<Line[]> {
    for (let at = 0; at < texts.length; at += batch) {
      yield await Promise.resolve(texts.slice(at, at + batch).map((text, n) => ({ line: at + n + 1, text })));
    }
  }
  const chunks: Chunk[] = [];
  for await (const chunk of chunksOf(batches(), firstLine)) chunks.push(chunk);
  return chunks;
}

describe('chunks of an import', () => {
  it('hold at most a block of commitments, or one request', async () => {
    const sizes = [1, CHUNK_COMMITMENTS - 1, 1, CHUNK_COMMITMENTS + 5, 2, 2];
    const chunks = await cut(sizes.map((size) => request(size)));
    expect(chunks.map(({ firstLine, lastLine }) => [firstLine, lastLine])).toEqual([
      [1, 2],
      [3, 3],
      [4, 4],
      [5, 6],
    ]);
  });

  it('refuse a line and keep its neighbours', async () => {
    const secret = 'alice@example.org';
    const chunks = await cut([
      request(1, 'a'),
      `{"subject": "${secret}"`,
      '',
      request(0, secret),
      request(1, 'b').replace('2026-01-31T08:00:00Z', 'yesterday'),
      `{"subject":"s","regime":"GDPR","receivedAt":"2026-01-31T08:00:00Z","samples":[],"idempotencyKey":"k"}`,
      request(1, 'c'),
    ]);
    expect(chunks).toHaveLength(1);
    expect(chunks[0]!.requests.map(({ line }) => line)).toEqual([1, 7]);
    expect(chunks[0]!.refused.map(({ line, code }) => [line, code])).toEqual([
      [2, 'REGISTRY_IMPORT_MALFORMED_LINE'],
      [4, 'REGISTRY_INPUT_INVALID'],
      [5, 'REGISTRY_INPUT_INVALID'],
      [6, 'REGISTRY_INPUT_INVALID'],
    ]);
    expect(chunks[0]!.refused.map(({ message }) => message).join()).not.toContain(secret);
  });

  it('are the same from the first line of any chunk on, however the lines arrive', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(1, 700, 1500, 4000, 5000), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(),
        async (sizes, batch, choice) => {
          const texts = sizes.map((size, n) => request(size, `s${n}`));
          const whole = await cut(texts);
          const start = whole[choice % whole.length]!.firstLine;
          const rest = await cut(texts.slice(start - 1), start, batch);
          expect(rest).toEqual(whole.filter(({ firstLine }) => firstLine >= start));
        },
      ),
      { numRuns: 30 },
    );
  });
});
