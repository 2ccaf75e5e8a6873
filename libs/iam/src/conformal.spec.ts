import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConformalNull, ensureCalibrationSize, requiredCalibrationSize } from './conformal.js';

const score = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, 1));

describe('ConformalNull', () => {
  it('ranks with ties counted against a finding', () => {
    const known = ConformalNull.fit(Float64Array.of(0.2, 0.4, 0.4, 0.9));
    expect(known.pLower(0.4)).toBe(4 / 5);
    expect(known.pUpper(0.4)).toBe(4 / 5);
    expect(known.pLower(0.1)).toBe(1 / 5);
    expect(known.pUpper(0.1)).toBe(1);
    expect(known.pUpper(0.9)).toBe(2 / 5);
  });

  it('counts what a naive count counts, in any order, leaving NaN out', () => {
    fc.assert(
      fc.property(fc.array(score, { maxLength: 50 }), score, (scores, probe) => {
        const known = ConformalNull.fit(Float64Array.from([NaN, ...scores]));
        const n = scores.length;
        expect(known.size).toBe(n);
        expect(known.pLower(probe)).toBe((1 + scores.filter((s) => s <= probe).length) / (n + 1));
        expect(known.pUpper(probe)).toBe((1 + scores.filter((s) => s >= probe).length) / (n + 1));
      }),
    );
  });

  it('is valid: over all places of the probe among the pool, p <= t happens at most t of the time', () => {
    fc.assert(
      fc.property(fc.array(score, { minLength: 2, maxLength: 20 }), (pool) => {
        const p = pool.map((probe, i) =>
          ConformalNull.fit(Float64Array.from(pool.filter((_, j) => j !== i))).pLower(probe),
        );
        for (const t of p)
          expect(p.filter((value) => value <= t).length / p.length).toBeLessThanOrEqual(t + 1e-12);
      }),
    );
  });

  it('finds nothing without a null and refuses an unscorable probe', () => {
    const empty = ConformalNull.fit(new Float64Array(0));
    expect([empty.pLower(0), empty.pUpper(1)]).toEqual([1, 1]);
    expect(() => empty.pLower(NaN)).toThrow(expect.objectContaining({ code: 'IAM_NOT_FINITE' }));
  });
});

describe('calibration size', () => {
  it.each([
    [0.5, 1],
    [0.1, 9],
    [0.05, 19],
    [0.01, 99],
    [0.001, 999],
    [0.003, 333],
  ])('for alpha %f is %i, and one fewer could find nothing', (alpha, need) => {
    expect(requiredCalibrationSize(alpha)).toBe(need);
    expect(1 / (need + 1)).toBeLessThanOrEqual(alpha);
    expect(1 / need).toBeGreaterThan(alpha);
  });

  it('is enforced with the number needed', () => {
    expect(() => ensureCalibrationSize(99, 0.01)).not.toThrow();
    expect(() => ensureCalibrationSize(98, 0.01)).toThrow(
      expect.objectContaining({ code: 'IAM_CALIBRATION_TOO_SMALL', details: { have: 98, need: 99 } }),
    );
    expect(() => requiredCalibrationSize(0)).toThrow(
      expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' }),
    );
  });
});
