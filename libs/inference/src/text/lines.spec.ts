import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FaultyLine, type Line, splitLines } from './lines.js';

const faults = {
  tooLarge: (maxBytes: number) => new Error(`larger than ${maxBytes}`),
  compressionBroken: (cause: unknown) => new Error('broken', { cause }),
  malformed: (line: number, why: string) => new Error(`${line}: ${why}`),
};

async function read(bytes: Uint8Array, chunk: number, maxLineBytes: number): Promise<(Line | FaultyLine)[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk)
      yield await Promise.resolve(bytes.subarray(at, at + chunk));
  }
  const lines: (Line | FaultyLine)[] = [];
  for await (const batch of splitLines(chunks(), { maxLineBytes, faults })) lines.push(...batch);
  return lines;
}

const shown = (lines: readonly (Line | FaultyLine)[]) =>
  lines.map((line) => ('fault' in line ? line.fault.message : line.text));

describe('splitLines', () => {
  it('gives the lines of a text, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !/[\n\r\uFEFF]/.test(text))),
        fc.integer({ min: 1, max: 9 }),
        async (texts, chunk) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          expect(shown(await read(bytes, chunk, 10_000))).toEqual(texts);
        },
      ),
    );
  });

  it.each([1, 3, 1000])('goes on after lines that cannot be read (chunks of %i bytes)', async (chunk) => {
    const bytes = Buffer.concat([
      Buffer.from(`one\n${'x'.repeat(11)}\n`),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from(`\n${'y'.repeat(10)}\r\nlast`),
    ]);
    expect(shown(await read(bytes, chunk, 11))).toEqual([
      'one',
      'x'.repeat(11),
      '3: its bytes are not UTF-8',
      '',
      'y'.repeat(10),
      'last',
    ]);
    expect(shown(await read(bytes, chunk, 10))).toEqual([
      'one',
      '2: it is longer than 10 bytes',
      '3: its bytes are not UTF-8',
      '',
      '5: it is longer than 10 bytes',
      'last',
    ]);
  });
});
