/**
 * The error rates that README.md claims, in worlds where the truth is known. A few settings, 500 runs each; `npm run
 * simulate` runs all, 2,000 times. A rate counts as above 0.05 when its exact 99.9 % interval lies above.
 */
import { describe, expect, it } from 'vitest';
import {
  PLAIN_WORLD,
  simulateBudget,
  simulateDrift,
  simulateFalseDiscoveries,
  simulatePower,
} from '../../../test/support/iam-simulation.js';
import type { Hypothesis, World } from '../../../test/support/iam-simulation.js';

const Q = 0.05;
const SMALL: World = { ...PLAIN_WORLD, requests: 15, nullSize: 300, resamples: 499 };
const discoveries = (world: World, hypothesis: Hypothesis): ReturnType<typeof simulateFalseDiscoveries> =>
  simulateFalseDiscoveries(world, hypothesis, { runs: 500, seed: 'spec', confidence: 0.999 });

describe('false discovery rate at q = 0.05', () => {
  it.each<[string, Partial<World>, Hypothesis]>([
    ['requests of one', { groupSize: 1 }, 'never trained on'],
    ['requests of ten', {}, 'never trained on'],
    ['requests of fifty', { groupSize: 50, requests: 8 }, 'never trained on'],
    ['members', { auc: 0.95 }, 'still a member'],
    ['ties', { grid: 4 }, 'never trained on'],
    ['a mixture', { nullShare: 0.8, auc: 0.85 }, 'never trained on'],
    [
      'correlated samples, whole clusters',
      { correlation: 0.5, unit: 'cluster', requests: 5, groupSize: 3 },
      'never trained on',
    ],
    ...[0, 0.2, 0.5, 0.8].map((correlation): [string, Partial<World>, Hypothesis] => [
      `correlation ${String(correlation)} and the test for any dependence`,
      { correlation, unit: 'any', groupSize: 5 },
      correlation === 0.5 ? 'still a member' : 'never trained on',
    ]),
    [
      'clusters and the test for any dependence',
      { correlation: 0.8, unit: 'any-of-cluster', groupSize: 5 },
      'never trained on',
    ],
  ])('holds for %s', (_, change, hypothesis) => {
    expect(discoveries({ ...SMALL, ...change }, hypothesis).low).toBeLessThanOrEqual(Q);
  });

  it('is not claimed for correlated samples taken singly: there it breaks, which is why clusters exist', () => {
    expect(discoveries({ ...SMALL, correlation: 0.5 }, 'never trained on').low).toBeGreaterThan(Q);
  });

  it('is not kept by finding nothing: a mixture of good separation is found', () => {
    expect(discoveries({ ...SMALL, nullShare: 0.8, auc: 0.85 }, 'never trained on').power).toBeGreaterThan(
      0.9,
    );
  });
});

describe('other claims', () => {
  it('power grows with the group', () => {
    const power = (groupSize: number): number => simulatePower(0.75, groupSize, 0.01, 'spec').rate;
    expect(power(1)).toBeLessThan(0.2);
    expect(power(10)).toBeGreaterThan(0.6);
    expect(power(50)).toBeGreaterThan(0.99);
  });

  it('a shifted calibration set is noticed, an equal one seldom', () => {
    expect(simulateDrift(0, 300, 100).low).toBeLessThanOrEqual(0.05);
    expect(simulateDrift(0.5, 300, 40).rate).toBeGreaterThan(0.95);
  });

  it('a thousand sound releases rarely alarm, alike or not', () => {
    expect(simulateBudget(0, 100).low).toBeLessThanOrEqual(0.05);
    expect(simulateBudget(0.9, 100).low).toBeLessThanOrEqual(0.05);
  });
});
