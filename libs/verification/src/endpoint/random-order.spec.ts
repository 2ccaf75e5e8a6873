import { SeededRandom } from '@app/iam';
import { expect, it } from 'vitest';
import { randomOrder } from './random-order.js';

it.each([0, 1, 2, 7, 500])('yields each of %i numbers once', (count) => {
  const order = [...randomOrder(count, new SeededRandom('seed'))];
  expect(order.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
});

it('is the same for the same seed, and every order is equally likely', () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed += 1) {
    const order = [...randomOrder(3, new SeededRandom(seed))].join('');
    expect([...randomOrder(3, new SeededRandom(seed))].join('')).toBe(order);
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  // Four standard deviations of 1,000 expected.
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(116);
});
