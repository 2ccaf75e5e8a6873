import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupPValues } from './group-evidence.js';
import { SeededRandom } from './random.js';

const uniform = (random: SeededRandom, count: number): Float64Array =>
  Float64Array.from({ length: count }, () => random.nextUnit());

/** All index sets of `size` out of `count`. */
function* subsets(count: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [];
  else
    for (let i = from; i <= count - size; i++)
      for (const rest of subsets(count, size - 1, i + 1)) yield [i, ...rest];
}

/** The permutation p-value with every subset of the pool counted, nothing drawn. */
function enumerated(nulls: readonly number[], request: readonly number[], tail: 'lower' | 'upper'): number {
  const millionths = [...nulls, ...request].map((score) => Math.round(score * 1e6));
  const sum = (indexes: readonly number[]): number => indexes.reduce((total, i) => total + millionths[i]!, 0);
  const observed = sum(request.map((_, i) => nulls.length + i));
  const all = [...subsets(millionths.length, request.length)].map(sum);
  return (
    all.filter((drawn) => (tail === 'lower' ? drawn <= observed : drawn >= observed)).length / all.length
  );
}

describe('groupPValues', () => {
  it('comes to the p-value of the full enumeration, both tails', () => {
    const random = new SeededRandom('enumeration');
    for (const [n, m] of [
      [6, 2],
      [9, 3],
      [4, 6],
      [12, 4],
    ] as const) {
      const nulls = uniform(random, n);
      const request = uniform(random, m);
      const { pLower, pUpper } = groupPValues({
        nullScores: nulls,
        requests: [request],
        seed: 1,
        resamples: 99_999,
      });
      const exact = {
        lower: enumerated([...nulls], [...request], 'lower'),
        upper: enumerated([...nulls], [...request], 'upper'),
      };
      // Five standard errors of 99,999 draws are at most 0.008.
      expect(Math.abs(pLower[0]! - exact.lower)).toBeLessThan(0.008);
      expect(Math.abs(pUpper[0]! - exact.upper)).toBeLessThan(0.008);
    }
  });

  it('is the exact rank for a request of one', () => {
    const { pLower, pUpper } = groupPValues({
      nullScores: Float64Array.of(0.1, 0.2, 0.3),
      requests: [Float64Array.of(0.2), Float64Array.of(0.05)],
      seed: 1,
      resamples: 9,
    });
    expect([...pLower]).toEqual([3 / 4, 1 / 4]);
    expect([...pUpper]).toEqual([3 / 4, 1]);
  });

  it('has ties count against a finding: equal scores everywhere give p = 1 on both tails', () => {
    const { statistic, pLower, pUpper } = groupPValues({
      nullScores: new Float64Array(50).fill(0.1),
      requests: [new Float64Array(7).fill(0.1)],
      seed: 1,
    });
    expect([statistic[0], pLower[0], pUpper[0]]).toEqual([0.1, 1, 1]);
  });

  it('does not depend on the order of scores, of samples or on the other requests', () => {
    const random = new SeededRandom('order');
    const nulls = uniform(random, 80);
    const requests = [3, 5, 5, 2].map((size) => uniform(random, size));
    const together = groupPValues({ nullScores: nulls, requests, seed: 's', resamples: 999 });
    const alone = groupPValues({
      nullScores: nulls.slice().reverse(),
      requests: [requests[2]!.slice().reverse()],
      seed: 's',
      resamples: 999,
    });
    expect(alone.pLower[0]).toBe(together.pLower[2]);
    expect(alone.pUpper[0]).toBe(together.pUpper[2]);
    expect(alone.statistic[0]).toBe(together.statistic[2]);
  });

  it('counts the draws of many requests as it counts those of one', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 2, max: 60 }),
        (seed, n, m) => {
          const random = new SeededRandom(seed);
          // Coarse scores: ties are where counting goes wrong.
          const coarse = (count: number) => uniform(random, count).map((score) => Math.round(score * 8) / 8);
          const nullScores = coarse(n);
          const requests = Array.from({ length: 20 }, () => coarse(m));
          const plan = { nullScores, seed, resamples: 99 };
          const together = groupPValues({ ...plan, requests });
          const alone = requests.map((request) => groupPValues({ ...plan, requests: [request] }));
          expect([...together.pLower]).toEqual(alone.map(({ pLower }) => pLower[0]));
          expect([...together.pUpper]).toEqual(alone.map(({ pUpper }) => pUpper[0]));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('has documented values for nothing: no samples, no null, only unscorable', () => {
    const none = groupPValues({
      nullScores: Float64Array.of(0.5, NaN),
      requests: [new Float64Array(0), Float64Array.of(NaN)],
      seed: 1,
    });
    expect(none.statistic).toEqual([null, null]);
    expect([...none.pLower, ...none.pUpper]).toEqual([1, 1, 1, 1]);
    const noNull = groupPValues({
      nullScores: Float64Array.of(NaN),
      requests: [Float64Array.of(0, 0)],
      seed: 1,
    });
    expect([noNull.statistic[0], noNull.pLower[0], noNull.pUpper[0]]).toEqual([0, 1, 1]);
  });

  it('never leaves [1/(R+1), 1] and is monotone in the scores', () => {
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(scores, scores, fc.integer({ min: 0, max: 1_000 }), (nulls, request, seed) => {
        const lower = request.map((score) => score / 2);
        const { pLower, pUpper } = groupPValues({
          nullScores: Float64Array.from(nulls),
          requests: [Float64Array.from(request)],
          seed,
          resamples: 199,
        });
        for (const p of [pLower[0]!, pUpper[0]!]) {
          expect(p).toBeGreaterThanOrEqual(1 / 200);
          expect(p).toBeLessThanOrEqual(1);
        }
        // At least one draw, or the request itself, is on each side: the tails cover everything.
        expect(pLower[0]! + pUpper[0]!).toBeGreaterThanOrEqual(1);
        const shifted = groupPValues({
          nullScores: Float64Array.from(nulls),
          requests: [Float64Array.from(lower)],
          seed,
          resamples: 199,
        });
        expect(shifted.pLower[0]!).toBeLessThanOrEqual(pLower[0]!);
      }),
    );
  });

  it('is super-uniform under exchangeability, for every size', () => {
    const random = new SeededRandom('null');
    for (const size of [2, 10, 50]) {
      const p = Array.from({ length: 400 }, (_, run) => {
        const nulls = uniform(random, 60).map((score) => Math.round(score * 8) / 8);
        const request = uniform(random, size).map((score) => Math.round(score * 8) / 8);
        return groupPValues({ nullScores: nulls, requests: [request], seed: run, resamples: 99 }).pLower[0]!;
      });
      for (const t of [0.01, 0.05, 0.2]) {
        // P(Binomial(400, t) > 400 t + 4 sd) < 1e-4 for these t.
        const limit = 400 * t + 4 * Math.sqrt(400 * t * (1 - t));
        expect(p.filter((value) => value <= t).length).toBeLessThanOrEqual(limit);
      }
    }
  });

  it('resolves a lone finding at the floor, and leaves the others as they were', () => {
    const random = new SeededRandom('refine');
    const nulls = uniform(random, 400).map((score) => 0.5 + score / 2);
    const lone = new Float64Array(6).fill(0);
    const requests = [
      lone,
      ...Array.from({ length: 5 }, () => uniform(random, 6).map((score) => 0.5 + score / 2)),
    ];
    const coarse = groupPValues({ nullScores: nulls, requests, seed: 1, resamples: 999 });
    const fine = groupPValues({ nullScores: nulls, requests, seed: 1, resamples: 999, resolution: 1e-5 });
    expect(coarse.pLower[0]).toBe(1 / 1_000);
    expect(fine.pLower[0]!).toBeLessThanOrEqual(1e-5);
    expect([...fine.pLower.subarray(1)]).toEqual([...coarse.pLower.subarray(1)]);
    expect([...fine.pUpper]).toEqual([...coarse.pUpper]);
  });

  it('resolves the tails that are asked for', () => {
    const random = new SeededRandom('tails');
    const nullScores = uniform(random, 400).map((score) => 0.25 + score / 2);
    const requests = [new Float64Array(6).fill(0), new Float64Array(6).fill(1)];
    const plan = { nullScores, requests, seed: 1, resamples: 999, resolution: 1e-5 };
    const both = groupPValues(plan);
    const upper = groupPValues({ ...plan, resolved: ['upper'] });
    expect(both.pLower[0]!).toBeLessThan(1 / 1_000);
    expect(upper.pLower[0]).toBe(1 / 1_000);
    expect(upper.pUpper[1]).toBe(both.pUpper[1]);
    expect(both.pUpper[1]!).toBeLessThan(1 / 1_000);
  });

  it('ranks both tails among the same draws as each alone, though they need different numbers of them', () => {
    const random = new SeededRandom('prefix');
    const nullScores = uniform(random, 400).map((score) => 0.25 + score / 2);
    const extremes = [0.2, 0.8, 0.82, 0.81].map((score) => new Float64Array(6).fill(score));
    const many = Array.from({ length: 20 }, (_, i) => new Float64Array(5).fill(0.8 + i / 200));
    const requests = [...extremes, new Float64Array(5).fill(0.1), ...many];
    const plan = { nullScores, requests, seed: 1, resamples: 999, resolution: 1e-5 };
    const both = groupPValues(plan);
    expect(both.pLower).toEqual(groupPValues({ ...plan, resolved: ['lower'] }).pLower);
    expect(both.pUpper).toEqual(groupPValues({ ...plan, resolved: ['upper'] }).pUpper);
    expect(both.pLower[0]!).toBeLessThan(both.pUpper[1]!);
    expect(both.pUpper[1]!).toBeLessThan(1 / 1_000);
  });

  it('tests 10,000 requests of ten within seconds', () => {
    const random = new SeededRandom('speed');
    const all = uniform(random, 100_000);
    const requests = Array.from({ length: 10_000 }, (_, i) => all.subarray(i * 10, i * 10 + 10));
    const before = performance.now();
    groupPValues({ nullScores: uniform(random, 1_305), requests, seed: 1 });
    // 0.1 s on two busy cores; 100,000 requests have a minute.
    expect(performance.now() - before).toBeLessThan(6_000);
  });

  it('refuses scores outside [0, 1] and senseless plans', () => {
    const plan = { nullScores: Float64Array.of(0.5), requests: [Float64Array.of(0.5, 0.6)], seed: 1 };
    expect(() => groupPValues({ ...plan, requests: [Float64Array.of(1.5)] })).toThrow(
      expect.objectContaining({ code: 'IAM_SCORE_INVALID' }),
    );
    const refused: unknown = expect.objectContaining({ code: 'IAM_PARAMETER_OUT_OF_RANGE' });
    expect(() => groupPValues({ ...plan, resamples: 0 })).toThrow(refused);
    expect(() => groupPValues({ ...plan, resolution: 0 })).toThrow(refused);
  });
});
