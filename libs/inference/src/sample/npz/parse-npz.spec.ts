import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  npyArray,
  npyFile,
  npyHeader,
  npyTexts,
  npzFile,
  type ZipClaims,
  zipFile,
} from '../../../../../test/support/npz.js';
import { openFilesOf, tellsOpenFiles } from '../../../../../test/support/open-files.js';
import { InferenceError } from '../../errors.js';
import type { DType } from '../../runtime.js';
import type { PlacedPayload } from '../placed-payload.js';
import { readSamples } from '../read-samples.js';
import { DTYPES, elementsOf } from '../sample.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lacuna-npz-'));
  vi.stubEnv('TMPDIR', directory);
});
afterAll(() => {
  vi.unstubAllEnvs();
  // After all that was read, refused and given up below.
  if (tellsOpenFiles) expect(openFilesOf(directory)).toEqual([]);
  expect(readdirSync(join(directory, 'lacuna-uploads'))).toEqual([]);
  rmSync(directory, { recursive: true });
});

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function read(file: Uint8Array, maxBytes = 1e8, piece = 4000): Promise<PlacedPayload[]> {
  const samples: PlacedPayload[] = [];
  for await (const sample of readSamples(inPieces(file, piece), maxBytes)) samples.push(sample);
  return samples;
}

/** Three samples, written by numpy itself; each file says with what. */
const VECTORS = new URL('../../../../../test/vectors/npz/', import.meta.url);
const IDS = npyTexts(['a', 'b', 'c']);
const LABELS = npyArray('<i8', [3], BigInt64Array.of(1n, 0n, 2n));
const X = npyArray('<f4', [3, 2], Float32Array.of(1.5, -2, 3, 4, 5, 6));
const GOOD = { sample_ids: IDS, labels: LABELS, x: X };
const LINES = [
  { sampleId: 'a', label: 1, inputs: { x: { dtype: 'float32', shape: [2], data: [1.5, -2] } } },
  { sampleId: 'b', label: 0, inputs: { x: { dtype: 'float32', shape: [2], data: [3, 4] } } },
  { sampleId: 'c', label: 2, inputs: { x: { dtype: 'float32', shape: [2], data: [5, 6] } } },
];
const ndjson = (lines: readonly object[]) =>
  Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const withoutPlace = (samples: readonly PlacedPayload[]) =>
  samples.map(({ sampleId, payload }) => [sampleId, Buffer.from(payload).toString('hex')]);

describe('an .npz file', () => {
  it.each([false, true])(
    'is the samples that the same numbers as JSON are (compressed: %s)',
    async (isCompressed) => {
      const samples = await read(npzFile(GOOD, isCompressed));
      expect(samples.map(({ place }) => place)).toEqual([{ index: 0 }, { index: 1 }, { index: 2 }]);
      expect(withoutPlace(samples)).toEqual(withoutPlace(await read(ndjson(LINES))));
      expect(await read(gzipSync(npzFile(GOOD, isCompressed)), 1e6, 1)).toEqual(samples);
    },
  );

  it.each(['savez', 'savez-compressed'])('as numpy itself wrote it is taken (%s)', async (how) => {
    const vector = readFileSync(new URL(`${how}.json`, VECTORS), 'utf8');
    const { base64 } = JSON.parse(vector) as { base64: string };
    expect(withoutPlace(await read(Buffer.from(base64, 'base64')))).toEqual(
      withoutPlace(await read(ndjson(LINES))),
    );
  });

  it('is read in steps where it is larger than one', async () => {
    const rows = 3000;
    const numbers = Float64Array.from({ length: rows * 100 }, (_, i) => i);
    const file = npzFile({
      x: npyArray('<f8', [rows, 100], numbers),
      sample_ids: npyArray(
        '<i4',
        [rows],
        Int32Array.from({ length: rows }, (_, i) => i),
      ),
      labels: npyArray(
        '<u2',
        [rows],
        Uint16Array.from({ length: rows }, (_, i) => i),
      ),
    });
    const lines = Array.from({ length: rows }, (_, i) => ({
      sampleId: String(i),
      label: i,
      inputs: { x: { dtype: 'float64', shape: [100], data: [...numbers.subarray(i * 100, (i + 1) * 100)] } },
    }));
    expect(withoutPlace(await read(file))).toEqual(withoutPlace(await read(ndjson(lines))));
  });

  it('takes names of members as names, wherever they would lead', async () => {
    const names = ['../../evil', '/etc/passwd', 'a\\b', 'ins/x:0', '東'];
    const file = npzFile({ ...GOOD, ...Object.fromEntries(names.map((name) => [name, X])) });
    const lines = LINES.map((line) => ({
      ...line,
      inputs: Object.fromEntries(['x', ...names].map((name) => [name, line.inputs.x])),
    }));
    expect(withoutPlace(await read(file))).toEqual(withoutPlace(await read(ndjson(lines))));
  });

  it('without samples gives none', async () => {
    const nothing = new Uint8Array();
    const file = npzFile({
      sample_ids: npyArray('<U1', [0], nothing),
      labels: npyArray('<i8', [0], nothing),
      x: npyArray('<f4', [0, 2], nothing),
    });
    expect(await read(file)).toEqual([]);
  });
});

const SHAPES = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 });
const DESCR: Readonly<Record<DType, string>> = {
  float32: '<f4',
  float64: '<f8',
  int32: '<i4',
  int64: '<i8',
  uint8: '|u1',
  bool: '|b1',
};

/** One input of `rows` samples: whole numbers, which every dtype but bool can be told from. */
const inputs = (rows: number) =>
  fc.tuple(fc.constantFrom(...(Object.keys(DESCR) as DType[])), SHAPES).chain(([dtype, shape]) =>
    fc
      .array(fc.integer({ min: 0, max: dtype === 'bool' ? 1 : 255 }), {
        minLength: rows * elementsOf(shape),
        maxLength: rows * elementsOf(shape),
      })
      .map((numbers) => ({ dtype, shape, numbers })),
  );

const files = fc.integer({ min: 1, max: 5 }).chain((rows) =>
  fc.record({
    rows: fc.constant(rows),
    ids: fc.uniqueArray(fc.stringMatching(/^[a-zé東]{1,5}$/), { minLength: rows, maxLength: rows }),
    labels: fc.array(fc.nat(255), { minLength: rows, maxLength: rows }),
    inputs: fc.dictionary(fc.stringMatching(/^[a-z:/.東]{1,8}$/), inputs(rows), { minKeys: 1, maxKeys: 4 }),
    isCompressed: fc.boolean(),
  }),
);

function elements(dtype: DType, numbers: readonly number[]) {
  const view = DTYPES[dtype].view(new ArrayBuffer(numbers.length * DTYPES[dtype].bytes), 0, numbers.length);
  numbers.forEach((number, i) => (view[i] = dtype === 'int64' ? BigInt(number) : number));
  return view;
}

it('gives the payloads of the same samples as JSON, whatever they are', async () => {
  await fc.assert(
    fc.asyncProperty(files, async ({ rows, ids, labels, inputs, isCompressed }) => {
      const arrays = Object.entries(inputs).map(([name, { dtype, shape, numbers }]) => [
        name,
        npyArray(DESCR[dtype], [rows, ...shape], elements(dtype, numbers)),
      ]);
      const npz = npzFile(
        {
          ...(Object.fromEntries(arrays) as Record<string, Buffer>),
          labels: npyArray('|u1', [rows], Uint8Array.from(labels)),
          sample_ids: npyTexts(ids),
        },
        isCompressed,
      );
      const lines = ids.map((sampleId, row) => ({
        sampleId,
        label: labels[row],
        inputs: Object.fromEntries(
          Object.entries(inputs).map(([name, { dtype, shape, numbers }]) => {
            const size = elementsOf(shape);
            return [name, { dtype, shape, data: numbers.slice(row * size, (row + 1) * size) }];
          }),
        ),
      }));
      expect(withoutPlace(await read(npz))).toEqual(withoutPlace(await read(ndjson(lines))));
    }),
    { numRuns: 100 },
  );
});

const refusal = (file: Uint8Array, maxBytes?: number) =>
  read(file, maxBytes).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

describe('an array is refused, by name,', () => {
  const wide = npyArray('<f4', [3, 1024, 1024], new Float32Array(3 * 1024 * 1024));
  it.each<[string, Record<string, Buffer | undefined>, string]>([
    ['where there are no ids', { sample_ids: undefined }, 'sample_ids'],
    ['where there are no labels', { labels: undefined }, 'labels'],
    ['with fewer samples', { x: npyArray('<f4', [2, 2], new Float32Array(4)) }, 'x'],
    ['with more samples', { labels: npyArray('|u1', [4], new Uint8Array(4)) }, 'labels'],
    ['without a first axis', { x: npyArray('<f4', [], new Float32Array(1)) }, 'x'],
    ['with an empty axis', { x: npyArray('<f4', [3, 0], new Uint8Array()) }, 'x'],
    ['of too high a rank', { x: npyArray('|u1', [3, 1, 1, 1, 1, 1, 1, 1, 1, 1], new Uint8Array(3)) }, 'x'],
    ['of float16', { x: npyArray('<f2', [3], new Uint8Array(6)) }, 'x'],
    ['in big-endian', { x: npyArray('>f4', [3], new Float32Array(3)) }, 'x'],
    ['in Fortran order', { x: npyFile(npyHeader('<f4', '3, 2', 'True'), new Uint8Array(24)) }, 'x'],
    ['of Python objects', { x: npyFile(npyHeader('|O', '3,'), Buffer.from('\x80\x04]\x94.')) }, 'x'],
    ['that is no .npy file', { x: Buffer.from('hello') }, 'x'],
    ['that is cut short', { x: X.subarray(0, -1) }, 'x'],
    ['that goes on', { labels: Buffer.concat([LABELS, Buffer.alloc(8)]) }, 'labels'],
    ['of ids that are fractions', { sample_ids: npyArray('<f8', [3], new Float64Array(3)) }, 'sample_ids'],
    ['of labels that are vectors', { labels: npyArray('|u1', [3, 1], new Uint8Array(3)) }, 'labels'],
  ])('%s', async (_what, arrays, array) => {
    const given = Object.entries({ ...GOOD, ...arrays }).filter(([, file]) => file !== undefined);
    for (const isCompressed of [false, true])
      expect(
        await refusal(npzFile(Object.fromEntries(given) as Record<string, Buffer>, isCompressed)),
      ).toMatchObject({ code: 'SAMPLE_ARRAY_REFUSED', details: { array } });
  });

  it('where there are two of one name', async () => {
    const members = [...Object.entries(GOOD), ['x', X] as const];
    const file = zipFile(members.map(([name, content]) => ({ name: `${name}.npy`, content })));
    expect(await refusal(file)).toMatchObject({ code: 'SAMPLE_ARRAY_REFUSED', details: { array: 'x' } });
  });

  it.each<[string, string | Uint8Array]>([
    ['which ends otherwise', 'readme.txt'],
    ['of a folder', 'folder/'],
    ['that is empty', '.npy'],
    ['that is too long', `${'x'.repeat(101)}.npy`],
    ['that is not UTF-8', Buffer.from([0xff, 0x2e, 0x6e, 0x70, 0x79])],
  ])('with a name %s', async (_what, name) => {
    const file = zipFile([{ name, content: X }]);
    expect(await refusal(file)).toMatchObject({ code: 'SAMPLE_ARRAY_REFUSED', details: {} });
  });

  it('where it comes alone', async () => {
    expect(await refusal(X)).toMatchObject({ code: 'SAMPLE_ARRAY_REFUSED', details: {} });
  });

  it('and so are no inputs, too many, and too large ones', async () => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`x${i}`, X]));
    const none = { sample_ids: IDS, labels: LABELS };
    for (const file of [
      npzFile(none),
      npzFile({ ...GOOD, ...many }),
      npzFile({ ...GOOD, y: wide, z: wide, x: wide }),
    ])
      expect(await refusal(file)).toMatchObject({ code: 'SAMPLE_MALFORMED', details: { field: 'inputs' } });
  });
});

it.each<[string, Record<string, Buffer>, object]>([
  ['NaN', { x: npyArray('<f4', [3, 2], Float32Array.of(1, 2, 3, NaN, 5, 6)) }, { index: 1, field: 'x' }],
  ['infinity', { x: npyArray('<f8', [3], Float64Array.of(1, 2, -Infinity)) }, { index: 2, field: 'x' }],
  ['a truth of 2', { x: npyArray('|b1', [3], Uint8Array.of(2, 1, 0)) }, { index: 0, field: 'x' }],
  [
    'a negative label',
    { labels: npyArray('|i1', [3], Int8Array.of(0, 1, -1)) },
    { index: 2, field: 'labels' },
  ],
  ['an empty id', { sample_ids: npyTexts(['a', '', 'c']) }, { index: 1, field: 'sample_ids' }],
])('a sample with %s is refused with its index', async (_what, arrays, details) => {
  expect(await refusal(npzFile({ ...GOOD, ...arrays }))).toMatchObject({ code: 'SAMPLE_MALFORMED', details });
});

describe('an archive is refused', () => {
  const one = (claims: ZipClaims, isCompressed = false, content: Buffer = X) =>
    zipFile([{ name: 'x.npy', content, isCompressed, claims }]);

  it.each<[string, Buffer]>([
    ['where it is encrypted', one({ flags: 0x801 })],
    ['where it is strongly encrypted', one({ flags: 0x841 })],
    ['where it is compressed otherwise', one({ method: 14 })],
    ['with another CRC', one({ crc: 1 })],
    ['with another CRC, compressed', one({ crc: 1 }, true)],
    ['that says less than comes out', one({ size: X.length - 1 }, true)],
    ['that says more than comes out', one({ size: X.length + 1 }, true)],
    ['that says other sizes of what is stored', one({ size: X.length + 1 })],
    ['that leads beyond its end', one({ offset: 1e9 })],
    ['that leads to no member', one({ offset: 1 })],
    ['with damaged content', npzFile(GOOD).fill(7, 175, 180)],
    ['with damaged compressed content', npzFile(GOOD, true).fill(7, 60, 70)],
    ['that goes on', Buffer.concat([npzFile(GOOD), Buffer.alloc(10)])],
    ['of a few bytes', npzFile(GOOD).subarray(0, 7)],
  ])('%s', async (_what, file) => {
    expect(await refusal(file)).toMatchObject({ code: 'SAMPLE_ARCHIVE_BROKEN' });
  });

  it('that was cut short anywhere', async () => {
    const file = npzFile(GOOD, true);
    for (let length = 6; length < file.length; length += 13)
      expect(await refusal(file.subarray(0, length))).toMatchObject({ code: 'SAMPLE_ARCHIVE_BROKEN' });
  });

  it('that becomes more than allowed, before it does', async () => {
    const bomb = npzFile({ ...GOOD, x: npyArray('|u1', [3, 1_000_000], new Uint8Array(3e6)) }, true);
    expect(bomb.length).toBeLessThan(10_000);
    expect(await refusal(bomb, 1e6)).toMatchObject({
      code: 'SAMPLE_UPLOAD_TOO_LARGE',
      details: { maxBytes: 1e6 },
    });
    const pieces = npzFile(GOOD);
    expect(await refusal(pieces, pieces.length - 1)).toMatchObject({ code: 'SAMPLE_UPLOAD_TOO_LARGE' });
    expect(await read(pieces, pieces.length)).toHaveLength(3);
  });

  it('or read, whatever bytes are changed in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(), fc.nat(255), async (isCompressed, place, byte) => {
        const file = npzFile(GOOD, isCompressed);
        file[place % file.length] = byte;
        const samples = await read(file).catch((error: unknown) => error);
        if (!Array.isArray(samples)) expect(samples).toBeInstanceOf(InferenceError);
      }),
      { numRuns: 500 },
    );
  });
});

it('is closed by a reader who stops', async () => {
  for await (const { sampleId } of readSamples(inPieces(npzFile(GOOD, true), 100), 1e6)) {
    expect(sampleId).toBe('a');
    if (tellsOpenFiles) expect(openFilesOf(directory)).toHaveLength(2);
    break;
  }
  if (tellsOpenFiles) expect(openFilesOf(directory)).toEqual([]);
});

it('an upload that breaks off fails with the error of the line', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(npzFile(GOOD).subarray(0, 100));
    throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
  }
  await expect(readSamples(broken(), 1e6).next()).rejects.toMatchObject({ code: 'ECONNRESET' });
});
