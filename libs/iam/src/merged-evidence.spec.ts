import { describe, expect, it } from 'vitest';
import { mergedPValues } from './merged-evidence.js';
import { SeededRandom } from './random.js';

const nullScores = Float64Array.from({ length: 99 }, (_, i) => (i + 1) / 100);

describe('mergedPValues', () => {
  it('is the plain rank for one sample, and the median times at most two for more', () => {
    const { statistic, pLower, pUpper, finest } = mergedPValues({
      nullScores,
      requests: [
        Float64Array.of(0.05),
        Float64Array.of(0.05, 0.9),
        Float64Array.of(0.05, 0.1, 0.9),
        Float64Array.of(0.9, 0.9, 0.9, 0.9),
        Float64Array.of(NaN),
      ],
    });
    expect(statistic).toEqual([0.05, 0.475, 0.35, 0.9, null]);
    expect([...pLower]).toEqual([0.06, 2 * 0.06, 1.5 * 0.11, 1, 1]);
    expect(pUpper[3]).toBeCloseTo(2 * 0.11, 12);
    expect([...finest]).toEqual([0.01, 0.02, 0.015, 0.02, 1]);
  });

  it('has p = 1 where there is no null', () => {
    const { pLower, pUpper } = mergedPValues({
      nullScores: new Float64Array(0),
      requests: [Float64Array.of(0)],
    });
    expect([pLower[0], pUpper[0]]).toEqual([1, 1]);
  });

  it.each([0, 0.5, 0.999])('is super-uniform where samples share %d of their spread', (share) => {
    const random = new SeededRandom(`merged/${String(share)}`);
    const draw = (shared: number): number => share * shared + (1 - share) * random.nextUnit();
    const p = Array.from({ length: 1_000 }, () => {
      const known = Float64Array.from({ length: 199 }, () => draw(random.nextUnit()));
      const shared = random.nextUnit();
      const request = Float64Array.from({ length: 7 }, () => draw(shared));
      return mergedPValues({ nullScores: known, requests: [request] }).pLower[0]!;
    });
    for (const t of [0.02, 0.05, 0.2]) {
      expect(p.filter((value) => value <= t).length).toBeLessThanOrEqual(
        1_000 * t + 4 * Math.sqrt(1_000 * t * (1 - t)),
      );
    }
  });
});
