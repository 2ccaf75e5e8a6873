import { describe, expect, it } from 'vitest';
import { BatchLoader } from './batch-loader.js';

function loaderOf(values: Readonly<Record<string, number>>) {
  const reads: string[][] = [];
  const loader = new BatchLoader<string, number>((keys) => {
    reads.push([...keys]);
    return Promise.resolve(new Map(keys.flatMap((key) => (key in values ? [[key, values[key]!]] : []))));
  });
  return { loader, reads };
}

describe('BatchLoader', () => {
  it('reads what is asked for in one turn at once, and each key once', async () => {
    const { loader, reads } = loaderOf({ a: 1, b: 2 });
    await expect(Promise.all(['a', 'b', 'a', 'c'].map((key) => loader.load(key)))).resolves.toEqual([
      1,
      2,
      1,
      undefined,
    ]);
    expect(reads).toEqual([['a', 'b', 'c']]);
    await expect(Promise.all([loader.load('b'), loader.load('d')])).resolves.toEqual([2, undefined]);
    expect(reads).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('fails everybody who asked when the read fails', async () => {
    const loader = new BatchLoader<string, number>(() => Promise.reject(new Error('gone')));
    const answers = await Promise.allSettled([loader.load('a'), loader.load('b')]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
