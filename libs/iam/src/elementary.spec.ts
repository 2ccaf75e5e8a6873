import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp, log } from './elementary.js';

describe('exp', () => {
  it('agrees with the engine within two units in the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        const ours = exp(x);
        const theirs = Math.exp(x);
        expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(4.5e-16 * theirs);
      }),
      { numRuns: 5000 },
    );
  });

  it('has the exact values and the limits', () => {
    expect(exp(0)).toBe(1);
    expect(exp(1)).toBeCloseTo(Math.E, 14);
    expect(exp(-Infinity)).toBe(0);
    expect(exp(Infinity)).toBe(Infinity);
    expect(exp(NaN)).toBeNaN();
    expect(exp(-745)).toBeGreaterThan(0);
    expect(exp(-746)).toBe(0);
    expect(exp(710)).toBe(Infinity);
  });

  it('returns bits that do not depend on the engine', () => {
    // Computed once with this algorithm; another engine or processor must give the same.
    expect([exp(-0.5772), exp(0.1), exp(-36.7), exp(20.25), exp(-700.1)]).toEqual(EXP_BITS);
  });
});

describe('log', () => {
  it('agrees with the engine within two units in the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: 5e-324, max: Number.MAX_VALUE, noNaN: true }), (x) => {
        const theirs = Math.log(x);
        expect(Math.abs(log(x) - theirs)).toBeLessThanOrEqual(4.5e-16 * Math.abs(theirs));
      }),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 2, noNaN: true }), (x) => {
        const theirs = Math.log(x);
        expect(Math.abs(log(x) - theirs)).toBeLessThanOrEqual(4.5e-16 * Math.abs(theirs));
      }),
      { numRuns: 5000 },
    );
  });

  it('has the exact values and the limits', () => {
    expect(log(1)).toBe(0);
    expect(log(0)).toBe(-Infinity);
    expect(log(Infinity)).toBe(Infinity);
    expect(log(-1)).toBeNaN();
    expect(log(NaN)).toBeNaN();
    expect(log(5e-324)).toBeCloseTo(-744.4400719213812, 12);
  });

  it('returns bits that do not depend on the engine', () => {
    expect([log(1e-5), log(0.25), log(0.7), log(1.00001), log(3e7)]).toEqual(LOG_BITS);
  });
});

const EXP_BITS = [
  0.5614682788432983, 1.1051709180756477, 1.1518409493076097e-16, 622964442.1984456, 8.921404266525102e-305,
];
const LOG_BITS = [
  -11.512925464970229, -1.3862943611198906, -0.35667494393873245, 0.000009999950000398841, 17.216707939626428,
];
