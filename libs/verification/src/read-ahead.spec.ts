import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readAhead } from './read-ahead.js';

async function taken<T>(reads: AsyncGenerator<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of reads) all.push(one);
  return all;
}

it('gives everything in order, whatever comes first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.nat()), fc.nat(5), async (scheduler, items, ahead) => {
      const reads = readAhead(items, ahead, (item) => scheduler.schedule(Promise.resolve(item)));
      expect(await scheduler.waitFor(taken(reads))).toEqual(items);
    }),
  );
});

it('reads as far ahead as it is told to', async () => {
  let asked = 0;
  const reads = readAhead([1, 2, 3, 4, 5], 2, (item) => {
    asked += 1;
    return Promise.resolve(item);
  });
  await reads.next();
  expect(asked).toBe(3);
  await reads.next();
  expect(asked).toBe(4);
});

it('throws what fails in its turn', async () => {
  const reads = readAhead([1, 2, 3], 2, (item) =>
    item === 2 ? Promise.reject(new Error('away')) : Promise.resolve(item),
  );
  expect(await reads.next()).toEqual({ value: 1, done: false });
  await expect(reads.next()).rejects.toThrow('away');
});
