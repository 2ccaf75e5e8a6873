import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextLevel, openErrorBudget, spendErrorBudget } from './error-budget.js';
import type { ErrorBudget } from './error-budget.js';
import { SeededRandom } from './random.js';

/** Alarms among `pValues`, spent in order. */
function alarms(pValues: Iterable<number>, budget: ErrorBudget = openErrorBudget()): boolean[] {
  return Array.from(pValues, (p) => {
    const decision = spendErrorBudget(budget, p);
    budget = decision.budget;
    return decision.alarm;
  });
}

describe('error budget', () => {
  it('spends at most its target while nothing alarms, over a whole epoch', () => {
    for (const horizon of [1, 10, 1_000]) {
      let budget = openErrorBudget(0.05, horizon);
      let spent = 0;
      for (let t = 0; t < horizon; t++) {
        spent += nextLevel(budget);
        budget = spendErrorBudget(budget, 1).budget;
      }
      expect(spent).toBeLessThanOrEqual(0.05);
      expect(budget).toEqual({ ...openErrorBudget(0.05, horizon), epoch: 1 });
    }
  });

  it('keeps a thousand sound releases to one false alarm in twenty epochs, however alike they are', () => {
    const random = new SeededRandom('budget');
    const epochs = 2_000;
    let falseAlarms = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const shared = random.nextUnit();
      // Half of the epochs repeat one p-value (the same release again and again), half draw afresh.
      const pValues = Array.from({ length: 100 }, () => (epoch % 2 === 0 ? shared : random.nextUnit()));
      if (alarms(pValues, openErrorBudget(0.05, 100)).includes(true)) falseAlarms++;
    }
    // P(Binomial(2000, 0.05) > 131) < 0.001.
    expect(falseAlarms).toBeLessThanOrEqual(131);
  });

  it('still alarms at the thousandth release on evidence a request can carry', () => {
    const pValues = [...new Array<number>(999).fill(0.5), 2e-5];
    expect(alarms(pValues).at(-1)).toBe(true);
  });

  it('grants later releases more once alarms were raised', () => {
    const quiet = openErrorBudget();
    const loud = { ...quiet, tested: 5, alarms: 3 };
    expect(nextLevel(loud)).toBeCloseTo(3 * nextLevel({ ...quiet, tested: 5 }), 15);
  });

  it('survives storage as JSON and never decides on later p-values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 0.02, noNaN: true }), { maxLength: 30 }), (pValues) => {
        let stored = openErrorBudget(0.05, 10);
        const decisions = pValues.map((p) => {
          const decision = spendErrorBudget(stored, p);
          stored = JSON.parse(JSON.stringify(decision.budget)) as ErrorBudget;
          return decision.alarm;
        });
        expect(decisions).toEqual(alarms(pValues, openErrorBudget(0.05, 10)));
      }),
    );
  });

  it('refuses senseless targets and p-values', () => {
    const refused: unknown = expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' });
    expect(() => openErrorBudget(1)).toThrow(refused);
    expect(() => openErrorBudget(0.05, 0)).toThrow(refused);
    expect(() => spendErrorBudget(openErrorBudget(), NaN)).toThrow(refused);
  });
});
