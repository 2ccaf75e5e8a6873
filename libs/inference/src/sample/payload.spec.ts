import { describe, expect, it } from 'vitest';
import type { DType, TensorData } from '../runtime.js';
import { batchSamples } from './batch-samples.js';
import { decodeSample, encodeSample } from './payload.js';
import { DTYPES, type Sample, type SampleTensor } from './sample.js';

const tensor = (name: string, dtype: DType, shape: readonly number[], data: TensorData): SampleTensor => ({
  name,
  dtype,
  shape,
  data,
});

const image = (label: number, first: number): Sample => ({
  form: 'tensors',
  label,
  tensors: [tensor('x', 'uint8', [2, 3], Uint8Array.of(first, 1, 2, 3, 4, 5))],
});

const EVERY_DTYPE: Sample = {
  form: 'tensors',
  label: 7,
  tensors: [
    tensor('a', 'bool', [3], Uint8Array.of(1, 0, 1)),
    tensor('b', 'float32', [2, 1], Float32Array.of(1.5, -0.25)),
    tensor('c', 'float64', [], Float64Array.of(Math.PI)),
    tensor('d', 'int32', [2], Int32Array.of(-1, 2_147_483_647)),
    tensor('e', 'int64', [1], BigInt64Array.of(-9_007_199_254_740_991n)),
    tensor('Ä', 'uint8', [5], Uint8Array.of(0, 255, 1, 2, 3)),
  ],
};

const OTHERS: readonly Sample[] = [
  { form: 'tokens', tokens: Int32Array.of(5, 0, 31_999) },
  { form: 'text', text: 'Zürich, 東京' },
  { form: 'reference', url: 'https://a.example/1', sha256: 'ab'.repeat(32), sizeBytes: 12 },
];

describe('a payload', () => {
  it.each([image(3, 9), EVERY_DTYPE, ...OTHERS])('of %o reads back', (sample) => {
    expect(decodeSample(encodeSample(sample))).toEqual(sample);
  });

  it('reads back from memory that is not aligned', () => {
    const bytes = encodeSample(EVERY_DTYPE);
    const moved = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3);
    expect(decodeSample(moved)).toEqual(EVERY_DTYPE);
    expect(batchSamples([moved], 1).batches[0]?.batch).toMatchObject({ form: 'tensors', count: 1 });
  });

  it.each([1, 4, 7, 9, 12, 20, 23])('cut off after %i bytes is refused', (length) => {
    const { batches, broken } = batchSamples([encodeSample(image(1, 1)).subarray(0, length)], 10);
    expect(batches).toEqual([]);
    expect(broken.get(0)).toMatchObject({ code: 'SAMPLE_PAYLOAD_BROKEN' });
  });
});

describe('a batch', () => {
  it('holds samples of one layout, row by row, and says where they came from', () => {
    const payloads = [image(1, 10), OTHERS[0]!, image(2, 20), image(3, 30)].map(encodeSample);
    const { batches, broken } = batchSamples([null, ...payloads], 100);
    expect(broken.size).toBe(0);
    expect(batches.map(({ positions }) => [...positions])).toEqual([[1, 3, 4], [2]]);
    expect(batches[0]!.batch).toEqual({
      form: 'tensors',
      count: 3,
      labels: Int32Array.of(1, 2, 3),
      tensors: [
        tensor('x', 'uint8', [2, 3], Uint8Array.of(10, 1, 2, 3, 4, 5, 20, 1, 2, 3, 4, 5, 30, 1, 2, 3, 4, 5)),
      ],
    });
    expect(batches[1]!.batch).toEqual({ form: 'tokens', sequences: [Int32Array.of(5, 0, 31_999)] });
  });

  it('keeps layouts of the same size apart: another name, dtype or shape', () => {
    const data = Uint8Array.of(1, 0, 1, 0, 1, 0);
    const payloads = [
      tensor('x', 'uint8', [2, 3], data),
      tensor('y', 'uint8', [2, 3], data),
      tensor('x', 'bool', [2, 3], data),
      tensor('x', 'uint8', [3, 2], data),
    ].map((one) => encodeSample({ form: 'tensors', label: 0, tensors: [one] }));
    expect(batchSamples(payloads, 100).batches).toHaveLength(4);
    expect(
      batchSamples([...payloads, ...payloads], 100).batches.map(({ positions }) => [...positions]),
    ).toEqual([
      [0, 4],
      [1, 5],
      [2, 6],
      [3, 7],
    ]);
  });

  it('is cut at the largest size', () => {
    const payloads = Array.from({ length: 5 }, (_, i) => encodeSample({ form: 'text', text: `t${i}` }));
    const { batches } = batchSamples(payloads, 2);
    expect(batches.map(({ batch }) => batch)).toEqual([
      { form: 'text', texts: ['t0', 't1'] },
      { form: 'text', texts: ['t2', 't3'] },
      { form: 'text', texts: ['t4'] },
    ]);
  });

  it('leaves out what is no sample, and references nobody fetched', () => {
    const payloads = [encodeSample(OTHERS[2]!), Buffer.of(99), Buffer.alloc(0), Buffer.of(2, 0, 0, 0, 1)];
    const { batches, broken } = batchSamples([...payloads, encodeSample(OTHERS[1]!)], 10);
    expect(batches.map(({ positions }) => [...positions])).toEqual([[4]]);
    expect([...broken].map(([position, { code }]) => [position, code])).toEqual([
      [0, 'SAMPLE_NOT_FETCHED'],
      [1, 'SAMPLE_PAYLOAD_BROKEN'],
      [2, 'SAMPLE_PAYLOAD_BROKEN'],
      [3, 'SAMPLE_PAYLOAD_BROKEN'],
    ]);
  });
});

it('every dtype looks at its own elements', () => {
  for (const { bytes, view } of Object.values(DTYPES))
    expect(view(new ArrayBuffer(bytes * 3), 0, 3)).toHaveLength(3);
});
