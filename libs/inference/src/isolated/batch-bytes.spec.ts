import { once } from 'node:events';
import { closeSync, createWriteStream, mkdtempSync, openSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SampleBatch, TensorData } from '../runtime.js';
import { batchOf, headOf, readAllBytes, writeBytes } from './batch-bytes.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lacuna-batch-bytes-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const labels = Int32Array.of(1, 0, 2);

function batch(...data: readonly (readonly [string, TensorData])[]): SampleBatch {
  const tensors = data.map(([dtype, numbers], at) => ({
    name: `input-${at}`,
    dtype: dtype as 'float32',
    shape: [numbers.length / 3],
    data: numbers,
  }));
  return { form: 'tensors', count: 3, tensors, labels };
}

const BATCHES: readonly SampleBatch[] = [
  batch(['uint8', Uint8Array.of(1, 2, 3)], ['float64', Float64Array.of(0.1, NaN, -Infinity)]),
  batch(
    ['bool', Uint8Array.of(1, 0, 1, 1, 0, 1)],
    ['int64', BigInt64Array.of(-1n, 2n ** 62n, 0n)],
    ['float32', Float32Array.of(-0, 1.5, 3e38)],
  ),
  batch(['int32', new Int32Array(new ArrayBuffer(64), 20, 3).fill(-7)]),
  batch(['uint8', new Uint8Array(30_003).map((_, i) => i)]),
  batch(['float32', new Float32Array(0)]),
];

/** What comes out where these were written, all but some bytes. */
async function through(batches: readonly SampleBatch[], withoutLast = 0): Promise<ArrayBuffer[]> {
  const path = join(directory, 'pipe');
  const stream = createWriteStream(path);
  for (const one of batches) writeBytes(stream, one);
  stream.end();
  await once(stream, 'close');
  truncateSync(path, stream.bytesWritten - withoutLast);
  const file = openSync(path, 'r');
  const read: ArrayBuffer[] = [];
  readAllBytes(file, (bytes) => read.push(bytes));
  closeSync(file);
  return read;
}

describe('bytes of batches', () => {
  it('come out as they went in, in order, whatever their types', async () => {
    const read = await through(BATCHES);
    const heads = BATCHES.map((one) => structuredClone(headOf(one)));
    expect(heads.map((head, at) => (head.form === 'tensors' ? batchOf(head, read[at]!) : head))).toEqual(
      BATCHES,
    );
  });

  it('of a batch that was cut off never come out', async () => {
    expect(await through(BATCHES.slice(0, 3), 1)).toHaveLength(2);
    expect(await through(BATCHES.slice(0, 1), 33)).toHaveLength(0);
  });

  it('are none of text and tokens, whose heads are all there is', async () => {
    const others: SampleBatch[] = [
      { form: 'text', texts: ['a'] },
      { form: 'tokens', sequences: [Int32Array.of(1)] },
    ];
    expect(others.map(headOf)).toEqual(others);
    expect(await through(others)).toEqual([]);
  });

  it('leave a head without numbers', () => {
    const head = headOf(BATCHES[1]!);
    expect(JSON.stringify(head)).not.toContain('data');
  });
});
