import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averageTokenLoss } from './token-loss.js';

describe('averageTokenLoss', () => {
  it('is the mean of positions 1 to T-1, whatever stands at position 0', () => {
    for (const atZero of [0, -5, NaN, Infinity]) {
      expect(averageTokenLoss([atZero, -1, -2, -6])).toBe(3);
    }
  });

  it('never leaves [0, infinity)', () => {
    const logProbability = fc.double({ min: -9998, max: 0.009, noNaN: true });
    fc.assert(
      fc.property(fc.array(logProbability, { minLength: 2 }), (values) => {
        const loss = averageTokenLoss(values);
        return loss >= 0 && loss < Infinity && !Object.is(loss, -0);
      }),
    );
  });

  it.each([
    ['no token', []],
    ['one token', [-1]],
    ['a missing value', [0, -1, NaN]],
    ['an impossible token', [0, -1, -Infinity]],
    ['the mark that stands for an impossible token', [0, -9999]],
    ['a probability above one', [0, -1, 0.5]],
  ])('%s gives NaN', (_, values) => {
    expect(averageTokenLoss(values)).toBeNaN();
  });
});
