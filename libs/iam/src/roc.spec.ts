import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auc, balancedAccuracy, rocCurve, tnrAtFnr, tprAtFpr } from './roc.js';

const labelledScores = fc
  .array(fc.record({ score: fc.integer({ min: -8, max: 8 }), label: fc.boolean() }), {
    minLength: 2,
    maxLength: 60,
  })
  .filter((samples) => samples.some(({ label }) => label) && samples.some(({ label }) => !label));

function columns(samples: readonly { score: number; label: boolean }[]) {
  return [Float64Array.from(samples, ({ score }) => score), samples.map(({ label }) => label)] as const;
}

describe('auc', () => {
  it('counts pairs, ties half', () => {
    fc.assert(
      fc.property(labelledScores, (samples) => {
        const positives = samples.filter(({ label }) => label);
        const negatives = samples.filter(({ label }) => !label);
        let wins = 0;
        for (const p of positives) for (const n of negatives) wins += (Math.sign(p.score - n.score) + 1) / 2;
        expect(auc(...columns(samples))).toBe(wins / (positives.length * negatives.length));
      }),
    );
  });

  it('does not depend on the order of the samples', () => {
    fc.assert(
      fc.property(labelledScores, (samples) => {
        expect(auc(...columns([...samples].reverse()))).toBe(auc(...columns(samples)));
      }),
    );
  });

  it('treats -0 and 0 as tied, and labels 1 and true alike', () => {
    expect(auc([-0, 0], [true, false])).toBe(0.5);
    expect(auc([1, 0], [1, 0])).toBe(1);
  });

  it.each([
    ['IAM_ONE_CLASS_MISSING', [1, 2], [1, 1]],
    ['IAM_ONE_CLASS_MISSING', [1, 2], [0, 0]],
    ['IAM_ONE_CLASS_MISSING', [], []],
    ['IAM_LENGTH_MISMATCH', [1, 2], [1]],
    ['IAM_NOT_FINITE', [NaN, 2], [1, 0]],
    ['IAM_NOT_FINITE', [1, Infinity], [1, 0]],
  ])('refuses with %s', (code, scores, labels) => {
    expect(() => auc(scores, labels)).toThrow(expect.objectContaining({ code }));
  });
});

describe('rocCurve', () => {
  it('rises from (0, 0) to (1, 1) and holds the area', () => {
    fc.assert(
      fc.property(labelledScores, (samples) => {
        const curve = rocCurve(...columns(samples));
        const { falsePositiveRate: x, truePositiveRate: y } = curve;
        let area = 0;
        for (let i = 1; i < x.length; i += 1) {
          expect(x[i]! - x[i - 1]! + (y[i]! - y[i - 1]!)).toBeGreaterThan(0);
          area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
        }
        expect([x[0], y[0], x.at(-1), y.at(-1)]).toEqual([0, 0, 1, 1]);
        expect(area).toBeCloseTo(auc(...columns(samples)), 12);
      }),
    );
  });
});

describe('tprAtFpr and tnrAtFnr', () => {
  const perfect = rocCurve([1, 2, 3, 4], [0, 0, 1, 1]);

  it('give a perfect classifier 1 at every rate', () => {
    for (const rate of [0, 0.001, 0.5, 1]) {
      expect([tprAtFpr(perfect, rate), tnrAtFnr(perfect, rate)]).toEqual([1, 1]);
    }
    expect(balancedAccuracy(perfect)).toBe(1);
  });

  it('interpolate between vertices and take the upper end of a step', () => {
    const curve = rocCurve([4, 3, 2, 1], [1, 0, 1, 0]);
    expect([0, 0.25, 0.5, 0.75, 1].map((rate) => tprAtFpr(curve, rate))).toEqual([0.5, 0.5, 1, 1, 1]);
    expect([0, 0.25, 0.5, 0.75, 1].map((rate) => tnrAtFnr(curve, rate))).toEqual([0.5, 0.5, 1, 1, 1]);
    expect(balancedAccuracy(curve)).toBe(0.75);
  });

  it('mirror each other when labels and scores are turned round', () => {
    fc.assert(
      fc.property(labelledScores, fc.double({ min: 0, max: 1, noNaN: true }), (samples, rate) => {
        const turned = samples.map(({ score, label }) => ({ score: -score, label: !label }));
        const direct = tnrAtFnr(rocCurve(...columns(samples)), rate);
        expect(tprAtFpr(rocCurve(...columns(turned)), rate)).toBeCloseTo(direct, 9);
      }),
    );
  });

  it.each([-0.1, 1.1, NaN])('refuse the rate %d', (rate) => {
    for (const figure of [tprAtFpr, tnrAtFnr]) {
      expect(() => figure(perfect, rate)).toThrow(
        expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' }),
      );
    }
  });
});
