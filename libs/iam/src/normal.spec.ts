import { describe, expect, it } from 'vitest';
import { normalCdf } from './normal.js';

/** Abramowitz and Stegun, table 26.1 and 26.2, and mpmath at 20 digits for the tails. */
const KNOWN: readonly (readonly [number, number])[] = [
  [0, 0.5],
  [1, 0.8413447460685429],
  [2, 0.9772498680518208],
  [3, 0.9986501019683699],
  [-1, 0.15865525393145705],
  [-3, 0.0013498980316300946],
  [-5, 2.866515718791939e-7],
  [-8, 6.220960574271784e-16],
  [-20, 2.7536241186062337e-89],
];

describe('normalCdf', () => {
  it.each(KNOWN)('at %d', (z, expected) => {
    expect(Math.abs(normalCdf(z) - expected)).toBeLessThanOrEqual(Math.min(1e-15, 1e-13 * expected));
  });

  it('joins series and continued fraction, is monotone and symmetric', () => {
    let before = 0;
    for (let z = -9; z <= 9; z += 0.001) {
      const value = normalCdf(z);
      expect(value - before).toBeGreaterThan(-2e-16);
      expect(Math.abs(value + normalCdf(-z) - 1)).toBeLessThan(5e-16);
      before = value;
    }
  });

  it('has the limits', () => {
    expect(normalCdf(-Infinity)).toBe(0);
    expect(normalCdf(Infinity)).toBe(1);
    expect(normalCdf(NaN)).toBeNaN();
  });
});
