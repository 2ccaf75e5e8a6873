import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainLoopScores } from '../../../test/support/iam-plain-loop.js';
import { CELL_WIDTH, CELLS_PER_UNIT, kernelTable } from './kernel-table.js';
import { KERNEL_MODULE, simdKernel } from './kernel-simd.js';
import { kernelLevels } from './kernel-levels.js';
import { kernelMeans, scalarMeans } from './kernel.js';
import { levelPositions, levelWeights } from './interpolation.js';
import { LIKELIHOODS } from './likelihood.js';
import type { Likelihood } from './parameters.js';

const LIKELIHOOD_NAMES: readonly Likelihood[] = ['gumbel', 'norm'];

describe('kernelTable', () => {
  it.each(LIKELIHOOD_NAMES)('%s: within 2e-10 of the distribution everywhere', (likelihood) => {
    const { lowest, highest, cdf } = LIKELIHOODS[likelihood];
    const { coefficients, lastCell } = kernelTable(likelihood);
    for (let place = 0; place <= lastCell; place += 0.013) {
      const cell = Math.floor(place);
      const t = place - cell;
      let value = 0;
      for (let c = CELL_WIDTH - 1; c >= 0; c--) value = value * t + coefficients[cell * CELL_WIDTH + c]!;
      expect(Math.abs(value - cdf(lowest + place / CELLS_PER_UNIT))).toBeLessThan(2e-10);
    }
    expect(cdf(lowest)).toBeLessThan(1e-18);
    expect(1 - cdf(highest)).toBeLessThan(3e-16);
  });

  it('keeps the bound its header states: max|F^(4)| h^4 / 384', () => {
    // F = e^-u, u = e^-z: F^(n) = e^-u P_n(u), P_0 = 1, P_(n+1) = u P_n - u P_n'.
    let p = [1];
    for (let n = 0; n < 4; n++) {
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
    expect((highest * CELLS_PER_UNIT ** -4) / 384).toBeLessThan(2e-10);
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
  it.each(LIKELIHOOD_NAMES)('%s: within 2e-10 of the definition', (likelihood) => {
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
          expect(Math.abs(means[i]! - exact / total)).toBeLessThan(2e-10);
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
      expect(Math.abs(score - (1 - means[i]!))).toBeLessThan(2e-10);
    });
  });

  it.each(LIKELIHOOD_NAMES)('%s: WebAssembly and TypeScript give the same bits', (likelihood) => {
    expect(simdKernel).not.toBeNull();
    fc.assert(
      fc.property(levelsAndSamples, ({ sigma, samples }) => {
        const distances = Float64Array.from(samples, ([distance]) => distance);
        const gaps = Float64Array.from(samples, ([, gap]) => gap);
        const levels = kernelLevels(Float64Array.from(sigma), likelihood);
        expect([...kernelMeans(distances, gaps, levels)]).toEqual([...scalarMeans(distances, gaps, levels)]);
      }),
    );
  });

  it('crosses chunks and pages with the same bits: 9,001 samples, 5,000 levels', () => {
    const distances = Float64Array.from({ length: 9001 }, (_, i) => (i === 4097 ? NaN : 3 * Math.sin(i)));
    const gaps = Float64Array.from({ length: 9001 }, (_, i) => 2 + Math.cos(1.7 * i));
    const levels = kernelLevels(new Float64Array(5000).fill(0.8), 'gumbel');
    const means = kernelMeans(distances, gaps, levels);
    for (const i of [0, 1, 4095, 4096, 4097, 4098, 8191, 8192, 9000]) {
      const one = scalarMeans(distances.subarray(i, i + 1), gaps.subarray(i, i + 1), levels);
      expect(Object.is(means[i], one[0])).toBe(true);
    }
  });

  it('has the bytes and the bits of every other machine', () => {
    const digest = createHash('sha256').update(KERNEL_MODULE).digest('hex');
    const sigma = Array.from({ length: 99 }, (_, k) => 1 - k / 200);
    const samples = [
      [0, 3],
      [1.25, 2.5],
      [3, 2.75],
      [-2, 4],
    ] as const;
    expect({
      digest,
      gumbel: [...means_(sigma, samples, 'gumbel')],
      norm: [...means_(sigma, samples, 'norm')],
    }).toEqual(EVERYWHERE);
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

const EVERYWHERE = {
  digest: '3394d8d6662a12618ef9eaea29f365922c251fccb626a779300d44ed83d8b5e6',
  gumbel: [0.030858471568733, 0.30806462042899757, 0.9133717848183118, 7.364286517836516e-7],
  norm: [0.03750887484431903, 0.29882585123180944, 0.9165271856582017, 0.0002266787918247745],
};
