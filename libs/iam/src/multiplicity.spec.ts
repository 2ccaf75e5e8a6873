import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { benjaminiHochberg, simesPValue } from './multiplicity.js';

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 60 });
const level = fc.double({ min: 0.001, max: 0.5, noNaN: true });

describe('benjaminiHochberg', () => {
  it("rejects the first four of the authors' own fifteen p-values at 0.05", () => {
    const p = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528,
      0.759, 1,
    ];
    const { rejected, threshold } = benjaminiHochberg(p, 0.05);
    expect(rejected).toEqual(p.map((_, i) => i < 4));
    expect(threshold).toBeCloseTo((4 * 0.05) / 15, 15);
  });

  it('steps up: a p-value above its own line is rejected with a later one below its line', () => {
    expect(benjaminiHochberg([0.04, 0.03, 0.05], 0.05).rejected).toEqual([true, true, true]);
  });

  it('is the definition, searched naively', () => {
    fc.assert(
      fc.property(pValues, level, (p, q) => {
        const sorted = [...p].sort((a, b) => a - b);
        const rejections = sorted.reduce((k, value, i) => (value <= (q * (i + 1)) / p.length ? i + 1 : k), 0);
        const { rejected, threshold } = benjaminiHochberg(p, q);
        expect(rejected.filter(Boolean)).toHaveLength(rejections);
        expect(rejected).toEqual(p.map((value) => value <= threshold));
      }),
    );
  });

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(pValues, level, (p, q) => {
        const forwards = benjaminiHochberg(p, q);
        const backwards = benjaminiHochberg([...p].reverse(), q);
        expect(backwards.rejected.reverse()).toEqual(forwards.rejected);
      }),
    );
  });

  it('answers an empty family and refuses what is no p-value or level', () => {
    expect(benjaminiHochberg([], 0.05)).toEqual({ rejected: [], threshold: 0.05 });
    const refused: unknown = expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' });
    expect(() => benjaminiHochberg([NaN], 0.05)).toThrow(refused);
    expect(() => benjaminiHochberg([1.1], 0.05)).toThrow(refused);
    expect(() => benjaminiHochberg([0.1], 0)).toThrow(refused);
  });
});

describe('simesPValue', () => {
  it('is at most q when Benjamini-Hochberg rejects anything, and above when nothing', () => {
    fc.assert(
      fc.property(pValues, level, (p, q) => {
        const simes = simesPValue(p);
        // At exact equality the two round differently; nothing hangs on the last bit.
        fc.pre(Math.abs(simes - q) > 1e-12);
        expect(simes <= q).toBe(benjaminiHochberg(p, q).rejected.includes(true));
      }),
    );
  });

  it('is 1 for an empty family', () => expect(simesPValue([])).toBe(1));
});
