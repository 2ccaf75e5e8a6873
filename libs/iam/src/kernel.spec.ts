import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainLoopScores } from '../../../test/support/iam-plain-loop.js';
import { CELL_WIDTH, CELLS_PER_UNIT, kernelTable } from './kernel-table.js';
import { kernelLevels, kernelMeans } from './kernel.js';
import { levelPositions, levelWeights } from './interpolation.js';
import { LIKELIHOODS } from './likelihood.js';
import type { Likelihood } from './parameters.js';

const LIKELIHOOD_NAMES: readonly Likelihood[] = ['gumbel', 'norm'];

describe('kernelTable', () => {
  it.each(LIKELIHOOD_NAMES)('%s: within 4e-11 of the distribution everywhere', (likelihood) => {
    const { lowest, highest, cdf } = LIKELIHOODS[likelihood];
    const { coefficients, lastCell } = kernelTable(likelihood);
    for (let place = 0; place <= lastCell; place += 0.013) {
      const cell = Math.floor(place);
      const t = place - cell;
      let value = 0;
      for (let c = CELL_WIDTH - 1; c >= 0; c--) value = value * t + coefficients[cell * CELL_WIDTH + c]!;
      expect(Math.abs(value - cdf(lowest + place / CELLS_PER_UNIT))).toBeLessThan(4e-11);
    }
    expect(cdf(lowest)).toBeLessThan(1e-18);
    expect(1 - cdf(highest)).toBeLessThan(3e-16);
  });

  it('keeps the bound its header states: max|F^(6)| h^6 / (720 * 64)', () => {
    // F = e^-u, u = e^-z: F^(n) = e^-u P_n(u), P_0 = 1, P_(n+1) = u P_n - u P_n'.
    let p = [1];
    for (let n = 0; n < 6; n++) {
      const next = new Array<number>(p.length + 1).fill(0);
      p.forEach((c, i) => {
        next[i + 1]! += c;
        next[i]! -= i * c;
      });
      p = next;
    }
    let highest = 0;
    for (let z = -4; z < 37; z += 0.001) {
      const u = Math.exp(-z);
      highest = Math.max(highest, Math.abs(Math.exp(-u) * p.reduceRight((sum, c) => sum * u + c, 0)));
    }
    expect((highest * CELLS_PER_UNIT ** -6) / (720 * 64)).toBeLessThan(4e-11);
  });
});

/** Any spread and any sample: flat, steep, inverted, far out. */
const levelsAndSamples = fc.record({
  sigma: fc.array(fc.double({ min: 1e-9, max: 50, noNaN: true }), { minLength: 1, maxLength: 120 }),
  samples: fc.array(
    fc.tuple(fc.double({ min: -20, max: 20, noNaN: true }), fc.double({ min: -20, max: 20, noNaN: true })),
    { minLength: 1, maxLength: 20 },
  ),
});

describe('kernelMeans', () => {
  it.each(LIKELIHOOD_NAMES)('%s: within 1e-10 of the definition', (likelihood) => {
    const { cdf, width, shift } = LIKELIHOODS[likelihood];
    fc.assert(
      fc.property(levelsAndSamples, ({ sigma, samples }) => {
        const a = levelPositions(sigma.length + 1);
        const weights = levelWeights(sigma.length + 1);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const means = means_(sigma, samples, likelihood);
        samples.forEach(([distance, gap], i) => {
          const exact = sigma.reduce(
            (sum, s, k) => sum + weights[k]! * cdf((distance - a[k]! * gap) / width(s) + shift),
            0,
          );
          expect(Math.abs(means[i]! - exact / total)).toBeLessThan(1e-10);
        });
      }),
    );
  });

  it('agrees with the plain loop of the bench', () => {
    const n = 1000;
    const series = (f: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => f(i));
    const out = series((i) => Math.sin(i) - 1);
    const in_ = series((i) => 3 + 1.5 * Math.cos(2.3 * i));
    const target = series((i) => out[i]! + (in_[i]! - out[i]!) * (0.5 + 0.7 * Math.sin(7.1 * i)));
    const sigma = Float64Array.from({ length: 99 }, (_, k) => 0.7 + 0.4 * Math.cos(k / 40));
    const means = kernelMeans(
      target.map((r, i) => r - out[i]!),
      in_.map((r, i) => r - out[i]!),
      kernelLevels(sigma, 'gumbel'),
    );
    plainLoopScores(target, out, in_, sigma).forEach((score, i) => {
      expect(Math.abs(score - (1 - means[i]!))).toBeLessThan(1e-10);
    });
  });

  it('gives exactly 0 and 1 far out, and NaN only for NaN', () => {
    const means = means_(
      [1, 2, 3],
      [
        [-1e99, 1],
        [1e99, 1],
        [NaN, 1],
        [1, NaN],
        [0, 0],
      ],
      'gumbel',
    );
    expect([...means.subarray(0, 4)]).toEqual([0, 1, NaN, NaN]);
    expect(means[4]).toBeCloseTo(0.5704, 4);
  });
});

function means_(sigma: number[], samples: readonly (readonly [number, number])[], likelihood: Likelihood) {
  return kernelMeans(
    Float64Array.from(samples, ([distance]) => distance),
    Float64Array.from(samples, ([, gap]) => gap),
    kernelLevels(Float64Array.from(sigma), likelihood),
  );
}
