import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inverseIncompleteBeta, logGamma, regularizedIncompleteBeta } from './incomplete-beta.js';

/** P(Binomial(n, p) >= k) summed term by term: equals I_p(k, n - k + 1) (DLMF 8.17.5). */
function binomialTail(k: number, n: number, p: number): number {
  let sum = 0;
  for (let j = k; j <= n; j++) {
    let term = 1;
    for (let i = 1; i <= j; i++) term *= ((n - j + i) / i) * p;
    sum += term * (1 - p) ** (n - j);
  }
  return sum;
}

describe('logGamma', () => {
  it('is the logarithm of the factorial at integers and of sqrt(pi) at one half', () => {
    let factorial = 1;
    for (let n = 1; n <= 20; n++) {
      expect(Math.abs(logGamma(n) - Math.log(factorial))).toBeLessThan(
        1e-13 * Math.max(1, Math.log(factorial)),
      );
      factorial *= n;
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 13);
  });
});

describe('regularizedIncompleteBeta', () => {
  it('equals the closed forms I_x(a, 1) = x^a and I_x(1, b) = 1 - (1-x)^b', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.1, max: 200, noNaN: true }),
        (x, shape) => {
          expect(regularizedIncompleteBeta(x, shape, 1)).toBeCloseTo(x ** shape, 12);
          expect(regularizedIncompleteBeta(x, 1, shape)).toBeCloseTo(-Math.expm1(shape * Math.log1p(-x)), 12);
        },
      ),
    );
  });

  it('equals the binomial tail', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (n, p) => {
          for (let k = 1; k <= n; k++) {
            expect(regularizedIncompleteBeta(p, k, n - k + 1)).toBeCloseTo(binomialTail(k, n, p), 11);
          }
        },
      ),
    );
  });

  it('is bounded at the ends and symmetric, to ten digits at thousands of trials', () => {
    expect(regularizedIncompleteBeta(0, 3, 4)).toBe(0);
    expect(regularizedIncompleteBeta(1, 3, 4)).toBe(1);
    expect(regularizedIncompleteBeta(0.5, 2_571, 2_571)).toBeCloseTo(0.5, 10);
  });

  it('is inverted to the last digits', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        (probability, a, b) => {
          expect(regularizedIncompleteBeta(inverseIncompleteBeta(probability, a, b), a, b)).toBeCloseTo(
            probability,
            9,
          );
        },
      ),
    );
  });
});
