import { describe, expect, it } from 'vitest';
import type { SampleBatch } from '../runtime.js';
import { sampleCount, takeSamples } from './take-samples.js';

describe('a part of a batch', () => {
  it('holds the rows of every tensor and the labels in the order asked for', () => {
    const batch: SampleBatch = {
      form: 'tensors',
      count: 3,
      tensors: [
        { name: 'x', dtype: 'uint8', shape: [2], data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
        { name: 'y', dtype: 'int64', shape: [], data: BigInt64Array.of(7n, 8n, 9n) },
      ],
      labels: Int32Array.of(10, 11, 12),
    };
    const part = takeSamples(batch, [2, 0]);
    expect(part).toEqual({
      form: 'tensors',
      count: 2,
      tensors: [
        { name: 'x', dtype: 'uint8', shape: [2], data: Uint8Array.of(5, 6, 1, 2) },
        { name: 'y', dtype: 'int64', shape: [], data: BigInt64Array.of(9n, 7n) },
      ],
      labels: Int32Array.of(12, 10),
    });
    expect(sampleCount(part)).toBe(2);
  });

  it('takes token sequences and texts', () => {
    const tokens = takeSamples({ form: 'tokens', sequences: [Int32Array.of(1), Int32Array.of(2, 3)] }, [1]);
    expect(tokens).toEqual({ form: 'tokens', sequences: [Int32Array.of(2, 3)] });
    const text = takeSamples({ form: 'text', texts: ['a', 'b'] }, [1, 1]);
    expect(text).toEqual({ form: 'text', texts: ['b', 'b'] });
    expect([sampleCount(tokens), sampleCount(text)]).toEqual([1, 2]);
  });
});
