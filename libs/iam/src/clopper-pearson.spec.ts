import { describe, expect, it } from 'vitest';
import { clopperPearson } from './clopper-pearson.js';

describe('clopperPearson', () => {
  // Figures of statistics texts and tables (R's binom.test gives the same): exact 95 % intervals.
  it.each([
    [0, 10, 0, 0.3084971],
    [1, 10, 0.002528579, 0.4450161],
    [5, 10, 0.187086, 0.812914],
    [10, 10, 0.6915029, 1],
    [7, 20, 0.1539092, 0.5921885],
    [1, 1, 0.025, 1],
    [0, 1, 0, 0.975],
  ])('of %i in %i is [%f, %f]', (successes, trials, low, high) => {
    const interval = clopperPearson(successes, trials);
    expect(interval.low).toBeCloseTo(low, 6);
    expect(interval.high).toBeCloseTo(high, 6);
    expect(interval.rate).toBe(successes / trials);
  });

  it('has the closed ends 1 - (1/40)^(1/n) and (1/40)^(1/n) where nothing or everything was found', () => {
    for (const trials of [2, 17, 514, 5_142]) {
      expect(clopperPearson(0, trials).high).toBeCloseTo(1 - (1 / 40) ** (1 / trials), 12);
      expect(clopperPearson(trials, trials).low).toBeCloseTo((1 / 40) ** (1 / trials), 12);
    }
  });

  it('covers the true rate at least as often as stated, summed exactly over all outcomes', () => {
    const trials = 25;
    for (const rate of [0.01, 0.2, 0.5, 0.83, 0.99]) {
      let covered = 0;
      let probability = (1 - rate) ** trials;
      for (let k = 0; k <= trials; k++) {
        const { low, high } = clopperPearson(k, trials);
        if (low <= rate && rate <= high) covered += probability;
        probability *= ((trials - k) / (k + 1)) * (rate / (1 - rate));
      }
      expect(covered).toBeGreaterThanOrEqual(0.95);
    }
  });

  it('knows nothing after zero trials and refuses what is no count', () => {
    expect(clopperPearson(0, 0)).toEqual({ rate: 0, low: 0, high: 1 });
    const refused: unknown = expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' });
    for (const [successes, trials, confidence] of [
      [3, 2, 0.95],
      [-1, 2, 0.95],
      [0.5, 2, 0.95],
      [1, NaN, 0.95],
      [1, 2, 1],
    ] as const) {
      expect(() => clopperPearson(successes, trials, confidence)).toThrow(refused);
    }
  });
});
