import { describe, expect, it } from 'vitest';
import { SeededRandom } from './random.js';
import { bootstrapRoc } from './roc-bootstrap.js';
import { auc, rocCurve, tprAtFpr } from './roc.js';

/** Two exponential samples whose true AUC is 2/3: P(X < Y) with rates 2 and 1. */
function draw(seed: number, size: number) {
  const random = new SeededRandom(seed);
  const labels = Array.from({ length: size }, (_, i) => i % 2 === 0);
  const scores = labels.map((label) => -Math.log(1 - random.nextUnit()) * (label ? 1 : 0.5));
  return { scores, labels };
}

describe('bootstrapRoc', () => {
  it('holds the point estimates, and is the same for the same seed', () => {
    const { scores, labels } = draw(3, 400);
    const settings = { falsePositiveRates: [0.01, 0.1], seed: 5, resamples: 300 };
    const intervals = bootstrapRoc(scores, labels, settings);
    const curve = rocCurve(scores, labels);
    const pairs = [
      [intervals.auc, auc(scores, labels)],
      [intervals.tprAtFpr[0]!, tprAtFpr(curve, 0.01)],
      [intervals.tprAtFpr[1]!, tprAtFpr(curve, 0.1)],
    ] as const;
    for (const [{ low, high }, figure] of pairs) {
      expect(low).toBeLessThan(high);
      expect(low).toBeLessThanOrEqual(figure);
      expect(high).toBeGreaterThanOrEqual(figure);
    }
    expect(bootstrapRoc(scores, labels, settings)).toEqual(intervals);
    expect(bootstrapRoc(scores, labels, { ...settings, seed: 6 })).not.toEqual(intervals);
  });

  it('covers the true AUC about as often as it says', () => {
    const runs = 120;
    let covered = 0;
    for (let seed = 0; seed < runs; seed += 1) {
      const { scores, labels } = draw(1000 + seed, 200);
      const { low, high } = bootstrapRoc(scores, labels, { falsePositiveRates: [], resamples: 200 }).auc;
      if (low <= 2 / 3 && 2 / 3 <= high) covered += 1;
    }
    // 95 % expected: 120 runs with a true coverage of 0.95 give fewer than 105 once in 10^3.
    expect(covered).toBeGreaterThanOrEqual(105);
    expect(covered).toBeLessThan(runs);
  });

  it('leaves no interval around a perfect separation', () => {
    const { auc: interval, tprAtFpr: rates } = bootstrapRoc([1, 2, 3, 4], [0, 0, 1, 1], {
      falsePositiveRates: [0],
      resamples: 50,
    });
    expect([interval, rates[0]]).toEqual([
      { mean: 1, low: 1, high: 1 },
      { mean: 1, low: 1, high: 1 },
    ]);
  });

  it.each([{ resamples: 1 }, { resamples: 2.5 }, { confidence: 0 }, { confidence: 1 }])(
    'refuses %o',
    (settings) => {
      expect(() => bootstrapRoc([1, 2], [0, 1], { falsePositiveRates: [], ...settings })).toThrow(
        expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' }),
      );
    },
  );
});
