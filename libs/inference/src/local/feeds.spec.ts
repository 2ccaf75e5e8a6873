import { describe, expect, it } from 'vitest';
import type { DType, SampleBatch, TensorData, TensorSpec } from '../runtime.js';
import { feedsOf } from './feeds.js';

const input = (dtype: DType, shape: (number | null)[] = [null, 2]): TensorSpec => ({
  name: 'x',
  dtype,
  shape,
});

function batch(dtype: DType, data: TensorData): SampleBatch {
  return {
    form: 'tensors',
    count: 2,
    tensors: [{ name: 'anything', dtype, shape: [2], data }],
    labels: Int32Array.of(0, 1),
  };
}

describe('feeds', () => {
  it.each([
    ['uint8', Uint8Array.of(0, 1, 200, 255), 'float32', Float32Array.of(0, 1, 200, 255)],
    ['uint8', Uint8Array.of(0, 1, 200, 255), 'int64', BigInt64Array.of(0n, 1n, 200n, 255n)],
    ['bool', Uint8Array.of(0, 1, 1, 0), 'int32', Int32Array.of(0, 1, 1, 0)],
    [
      'int32',
      Int32Array.of(-(2 ** 31), 0, 7, 2 ** 31 - 1),
      'float64',
      Float64Array.of(-(2 ** 31), 0, 7, 2 ** 31 - 1),
    ],
    ['float32', Float32Array.of(0.1, 1, 2, 3), 'float64', Float64Array.from(Float32Array.of(0.1, 1, 2, 3))],
  ] as const)('%s is widened without loss', (from, data, to, expected) => {
    const [feed] = feedsOf(batch(from, data), [input(to)]);
    expect(feed).toEqual({ name: 'x', dtype: to, shape: [2, 2], data: expected });
  });

  it.each([
    ['int32', Int32Array.of(1, 2, 3, 4), 'float32'],
    ['float64', Float64Array.of(1, 2, 3, 4), 'float32'],
    ['int64', BigInt64Array.of(1n, 2n, 3n, 4n), 'float64'],
    ['float32', Float32Array.of(1, 2, 3, 4), 'int32'],
    ['uint8', Uint8Array.of(0, 1, 1, 0), 'bool'],
  ] as const)('%s into something that cannot hold it all is refused', (from, data, to) => {
    expect(() => feedsOf(batch(from, data), [input(to)])).toThrow(/without loss/);
  });

  it('what needs no widening is not copied', () => {
    const data = Float32Array.of(1, 2, 3, 4);
    expect(feedsOf(batch('float32', data), [input('float32')])[0]!.data).toBe(data);
  });

  it('several inputs go by name, whatever their order', () => {
    const tensor = { dtype: 'float32', shape: [1], data: Float32Array.of(1, 2) } as const;
    const both: SampleBatch = {
      form: 'tensors',
      count: 2,
      tensors: [
        { ...tensor, name: 'b' },
        { ...tensor, name: 'a', data: Float32Array.of(3, 4) },
      ],
      labels: Int32Array.of(0, 0),
    };
    const inputs = ['a', 'b'].map((name): TensorSpec => ({ name, dtype: 'float32', shape: [null, 1] }));
    expect(feedsOf(both, inputs).map(({ data }) => [...data])).toEqual([
      [3, 4],
      [1, 2],
    ]);
    expect(() => feedsOf(both, [inputs[0]!, { ...inputs[1]!, name: 'c' }])).toThrow(/no tensor is named c/);
  });
});
