import { describe, expect, it } from 'vitest';
import { checkDrift } from './drift.js';
import { SeededRandom } from './random.js';

const random = new SeededRandom('drift');
const uniform = (count: number, shift = 0): Float64Array =>
  Float64Array.from({ length: count }, () => random.nextUnit() + shift);

describe('checkDrift', () => {
  it('measures the distance of two distribution functions, ties together', () => {
    const { distance, shift } = checkDrift({
      calibration: Float64Array.of(1, 1, 2, 3),
      commitments: Float64Array.of(1, 3, 3, 3),
      seed: 1,
      permutations: 9,
    });
    // F_calibration(2) = 3/4, F_commitments(2) = 1/4.
    expect(distance).toBe(0.5);
    expect(shift).toBeCloseTo(0.75 / Math.sqrt(0.859375), 12);
  });

  it('finds a shift of a quarter of a standard deviation among a thousand', () => {
    const drifted = checkDrift({ calibration: uniform(1_000), commitments: uniform(1_000, 0.075), seed: 1 });
    expect(drifted.pValue).toBeLessThan(0.001);
    expect(drifted.shift).toBeGreaterThan(0.15);
  });

  it('warns of nothing as often as its level says, with ties', () => {
    const p = Array.from({ length: 300 }, (_, seed) => {
      const rounded = (count: number): Float64Array => uniform(count).map((x) => Math.round(x * 10));
      return checkDrift({ calibration: rounded(60), commitments: rounded(40), seed, permutations: 99 })
        .pValue;
    });
    for (const t of [0.05, 0.2]) {
      expect(p.filter((value) => value <= t).length).toBeLessThanOrEqual(
        300 * t + 4 * Math.sqrt(300 * t * (1 - t)),
      );
    }
  });

  it('has documented values for the degenerate: empty sets, one value, unscorable samples', () => {
    const nothing = { distance: 0, pValue: 1, shift: 0 };
    expect(checkDrift({ calibration: uniform(3), commitments: Float64Array.of(NaN), seed: 1 })).toEqual({
      ...nothing,
      calibrationSize: 3,
      commitmentSize: 0,
    });
    const equal = new Float64Array(5).fill(2);
    expect(checkDrift({ calibration: equal, commitments: equal, seed: 1 })).toMatchObject(nothing);
    expect(() => checkDrift({ calibration: equal, commitments: Float64Array.of(Infinity), seed: 1 })).toThrow(
      expect.objectContaining({ code: 'IAM_NOT_FINITE' }),
    );
  });

  it('samples a large set down and says how many it compared', () => {
    const { calibrationSize, commitmentSize } = checkDrift({
      calibration: uniform(12_000),
      commitments: uniform(500),
      seed: 1,
      permutations: 9,
    });
    expect([calibrationSize, commitmentSize]).toEqual([10_000, 500]);
  });
});
