import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InferenceError } from '../errors.js';
import { parseRecording } from './parse-recording.js';
import type { RecordedRow, SignalKind } from './row-reader.js';
import { isSampleId } from './sample-id.js';

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function drain(rows: AsyncIterable<unknown>): Promise<void> {
  const iterator = rows[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}

interface ParseSettings {
  readonly kind?: SignalKind;
  readonly maxBytes?: number;
  readonly chunk?: number;
}

async function parse(
  file: string | Uint8Array,
  { kind = 'loss', maxBytes = 1_000_000, chunk = 7 }: ParseSettings = {},
): Promise<RecordedRow[]> {
  const rows: RecordedRow[] = [];
  const bytes = typeof file === 'string' ? Buffer.from(file) : file;
  for await (const row of parseRecording(chunksOf(bytes, chunk), { signalKind: kind, maxBytes }))
    rows.push(row);
  return rows;
}

async function refusal(file: string | Uint8Array, options: ParseSettings = {}): Promise<InferenceError> {
  try {
    await parse(file, options);
  } catch (error) {
    if (error instanceof InferenceError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const AB = [
  { sampleId: 'a', value: 0.5 },
  { sampleId: 'b', value: 1 },
];
const contents = (rows: readonly RecordedRow[]) => rows.map(({ sampleId, value }) => ({ sampleId, value }));

describe('formats', () => {
  it.each([
    ['NDJSON', '{"sampleId":"a","value":0.5}\n{"sampleId":"b","value":1}\n'],
    ['NDJSON with other names', '{"id":"a","loss":0.5}\n{"sample_id":"b","loss":1}'],
    ['NDJSON with more fields', '{"id":"a","loss":0.5,"tokens":9}\n{"id":"b","loss":1,"text":null}'],
    ['CSV with header', 'sample_id,loss\na,0.5\nb,1\n'],
    ['CSV with other columns', 'split,value,note,id\nx,0.5,"p,q",a\nx,1,,b\n'],
    ['CSV without header', 'a,0.5\nb,1'],
    ['quoted CSV', '"a","0.5"\r\n"b",+1.\r\n'],
    ['byte order mark and CRLF', '\uFEFFid,loss\r\na,.5\r\nb,1e0\r\n'],
    ['byte order mark before NDJSON', '\uFEFF{"id":"a","loss":0.5}\n{"id":"b","loss":1}'],
    ['blank lines', '\n\na,0.5\n \n\nb,1\n\n'],
  ])('reads %s, gzip or not', async (_, file) => {
    expect(contents(await parse(file))).toEqual(AB);
    expect(contents(await parse(gzipSync(file)))).toEqual(AB);
  });

  it('counts lines as an editor does', async () => {
    expect((await parse('id,loss\n\na,1\nb,2')).map((row) => row.line)).toEqual([3, 4]);
  });

  it('reads several gzip members as one file', async () => {
    const file = Buffer.concat([gzipSync('a,0.5\nb'), gzipSync(',1\n')]);
    expect(contents(await parse(file))).toEqual(AB);
  });

  it('has no negative zero', async () => {
    const [row] = await parse('{"id":"a","loss":-0}');
    expect(Object.is(row?.value, 0)).toBe(true);
  });
});

describe('refusals', () => {
  it.each([
    ['{"id":"a","loss":1}\n{"id":"b"', 2],
    ['{"id":"a","loss":1}\n[1]', 2],
    ['{"id":"a","loss":1}\n\nb,2', 3],
    ['{"id":"a"}', 1],
    ['{"loss":1}', 1],
    ['{"id":"a","sampleId":"a","loss":1}', 1],
    ['{"id":"a","loss":1,"value":1}', 1],
    ['{"id":"a","loss":null}', 1],
    ['{"id":"a","loss":"1"}', 1],
    ['{"id":"a","loss":NaN}', 1],
    ['{"id":7,"loss":1}', 1],
    ['{"id":"","loss":1}', 1],
    ['{"id":" a","loss":1}', 1],
    ['{"id":"a\\tb","loss":1}', 1],
    ['{"id":"a\\u0000","loss":1}', 1],
    ['{"id":"\\ud800","loss":1}', 1],
    [`{"id":"${'x'.repeat(257)}","loss":1}`, 1],
    ['a,1\nb', 2],
    ['a,1\nb,2,3', 2],
    ['a,1\nb,nan', 2],
    ['a,1\nb,', 2],
    ['a,1\nb,Infinity', 2],
    ['a,1\nb,0x10', 2],
    ['a,1\n"b,2', 2],
    ['id,loss,id\na,1,b', 1],
    ['name,loss\na,1', 1],
    ['id\na', 1],
    ['id,loss\na,1\n,2', 3],
  ])('%j is malformed', async (file, line) => {
    expect(await refusal(file)).toMatchObject({ code: 'RECORDING_MALFORMED_LINE', details: { line } });
  });

  it('names the line whose bytes are not UTF-8', async () => {
    const file = Buffer.from([...Buffer.from('a,1\nb'), 0xff, ...Buffer.from(',2\n')]);
    expect(await refusal(file)).toMatchObject({ code: 'RECORDING_MALFORMED_LINE', details: { line: 2 } });
  });

  it('does not gather an endless line', async () => {
    const endless = `a,1\n${'x'.repeat(70_000)}`;
    expect(await refusal(endless, { chunk: 1000 })).toMatchObject({
      code: 'RECORDING_MALFORMED_LINE',
      details: { line: 2 },
    });
  });

  it.each([
    ['loss', 'a,-1e-9'],
    ['loss', 'a,1e999'],
    ['probability', 'a,1.0000001'],
    ['probability', 'a,-0.1'],
    ['probability', '{"id":"a","value":1e999}'],
  ] as const)('a %s is not %j', async (kind, file) => {
    expect(await refusal(`b,1\n${file}`.replace(/^b,1\n\{/, '{'), { kind })).toMatchObject({
      code: 'RECORDING_VALUE_OUT_OF_RANGE',
    });
  });

  it.each(['id,probability\na,0.5', '{"id":"a","probability":0.5}'])(
    '%j is no recording of losses',
    async (file) => {
      expect(await refusal(file)).toMatchObject({ code: 'RECORDING_KIND_MISMATCH', details: { line: 1 } });
    },
  );

  it.each(['', '\n\n', 'id,loss\n', '\uFEFF'])('%j is empty', async (file) => {
    expect(await refusal(file)).toMatchObject({ code: 'RECORDING_EMPTY' });
    expect(await refusal(gzipSync(file))).toMatchObject({ code: 'RECORDING_EMPTY' });
  });

  it('stops a small file that decompresses to a large one', async () => {
    const bomb = gzipSync('a,1\n'.repeat(1_000_000));
    expect(bomb.length).toBeLessThan(20_000);
    expect(await refusal(bomb, { maxBytes: 100_000, chunk: 1000 })).toMatchObject({
      code: 'RECORDING_TOO_LARGE',
      details: { maxBytes: 100_000 },
    });
  });

  it('allows exactly as many bytes as said', async () => {
    expect(await parse('a,1\n', { maxBytes: 4 })).toHaveLength(1);
    expect(await refusal('a,1\n', { maxBytes: 3 })).toMatchObject({ code: 'RECORDING_TOO_LARGE' });
  });

  it('tells a damaged gzip stream from a whole one', async () => {
    const whole = gzipSync('a,1\nb,2\n');
    expect(await refusal(whole.subarray(0, whole.length - 6))).toMatchObject({
      code: 'RECORDING_COMPRESSION_BROKEN',
    });
    const flipped = Buffer.from(whole);
    flipped[whole.length - 5]! ^= 1; // in the CRC
    expect(await refusal(flipped)).toMatchObject({ code: 'RECORDING_COMPRESSION_BROKEN' });
  });

  it('passes on what stopped the upload, as it is, and closes its source', async () => {
    const reason = new Error('client went away');
    let closed: boolean;
    async function* broken(head: Uint8Array) {
      try {
        yield await Promise.resolve(head);
        throw reason;
      } finally {
        closed = true;
      }
    }
    for (const head of [Buffer.from('a,1\n'), gzipSync('a,1\n').subarray(0, 12)]) {
      closed = false;
      const rows = parseRecording(broken(head), { signalKind: 'loss', maxBytes: 100 });
      await expect(drain(rows)).rejects.toBe(reason);
      expect(closed).toBe(true);
    }
  });

  it('closes its source when a line is refused', async () => {
    for (const gzip of [false, true]) {
      let closed = false;
      async function* endless() {
        try {
          yield await Promise.resolve(gzip ? gzipSync('nonsense\n') : Buffer.from('nonsense\n'));
          for (;;) yield await Promise.resolve(new Uint8Array(10));
        } finally {
          closed = true;
        }
      }
      const rows = parseRecording(endless(), { signalKind: 'loss', maxBytes: 1_000_000 });
      await expect(drain(rows)).rejects.toMatchObject({ code: 'RECORDING_MALFORMED_LINE' });
      await new Promise(setImmediate);
      expect(closed).toBe(true);
    }
  });

  it('keeps what the file says out of its messages', async () => {
    for (const file of ['{"id":"secret","loss":}', 'secret,secret', '{"id":"secret","loss":-1}']) {
      const error = await refusal(file);
      expect(`${error.message} ${JSON.stringify(error.details)} ${String(error.cause)}`).not.toContain(
        'secret',
      );
    }
  });
});

const sampleIds = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter(isSampleId);
const rowsOf = fc.array(
  fc.record({ sampleId: sampleIds, value: fc.double({ min: 0, max: 1, noNaN: true }) }),
  { minLength: 1, maxLength: 20 },
);
const csvOf = (id: string) => (/[",]/.test(id) || id.startsWith('{') ? `"${id.replaceAll('"', '""')}"` : id);

describe('properties', () => {
  it('gives back what was written, however it was written and cut into pieces', async () => {
    const chunk = fc.integer({ min: 1, max: 50 });
    const format = fc.record({
      csv: fc.boolean(),
      gzip: fc.boolean(),
      crlf: fc.boolean(),
      end: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(rowsOf, format, chunk, async (rows, { csv, gzip, crlf, end }, size) => {
        const lines = csv
          ? ['id,value', ...rows.map((row) => `${csvOf(row.sampleId)},${row.value}`)]
          : rows.map((row) => JSON.stringify(row));
        const lineEnd = crlf ? '\r\n' : '\n';
        const text = Buffer.from(lines.join(lineEnd) + (end ? lineEnd : ''));
        const read = await parse(gzip ? gzipSync(text) : text, { kind: 'probability', chunk: size });
        expect(contents(read)).toEqual(rows.map((row) => ({ ...row, value: row.value + 0 })));
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it('ends any bytes in rows or in a coded refusal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, gzip) => {
        try {
          for (const { sampleId, value } of await parse(gzip ? gzipSync(bytes) : bytes)) {
            expect(isSampleId(sampleId)).toBe(true);
            expect(value).toBeGreaterThanOrEqual(0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(InferenceError);
        }
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
