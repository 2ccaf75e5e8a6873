import { describe, expect, it } from 'vitest';
import { SeededRandom } from './random.js';
import { checkWithinRequestCorrelation } from './within-request-correlation.js';

const random = new SeededRandom('correlation');

/** Requests whose samples share `share` of their spread. */
const requests = (count: number, size: number, share: number): Float64Array[] =>
  Array.from({ length: count }, () => {
    const common = random.nextUnit();
    return Float64Array.from({ length: size }, () => share * common + (1 - share) * random.nextUnit());
  });

describe('checkWithinRequestCorrelation', () => {
  it('finds samples that stick together and how much', () => {
    // Half of the spread in common: equal variances of both parts, correlation 0.5.
    const { correlation, pValue } = checkWithinRequestCorrelation(requests(200, 8, 0.5), 1);
    expect(correlation).toBeCloseTo(0.5, 1);
    expect(pValue).toBe(1 / 1_000);
  });

  it('warns of independent samples as seldom as its level says', () => {
    const p = Array.from(
      { length: 200 },
      (_, seed) => checkWithinRequestCorrelation(requests(10, 4, 0), seed).pValue,
    );
    expect(p.filter((value) => value <= 0.05).length).toBeLessThanOrEqual(22);
  });

  it('up to a level gives the same p-values, above it another one above it', () => {
    const level = 0.05;
    for (let seed = 0; seed < 60; seed += 1) {
      const some = requests(10, 4, seed % 3 === 0 ? 0.4 : 0);
      const full = checkWithinRequestCorrelation(some, seed);
      const upTo = checkWithinRequestCorrelation(some, seed, level);
      expect(upTo.correlation).toBe(full.correlation);
      if (full.pValue <= level) expect(upTo.pValue).toBe(full.pValue);
      else expect(upTo.pValue).toBeGreaterThan(level);
    }
  });

  it('says nothing where nothing can be compared: single samples, one request, equal scores', () => {
    expect(checkWithinRequestCorrelation(requests(50, 1, 0), 1)).toEqual({ correlation: 0, pValue: 1 });
    expect(checkWithinRequestCorrelation(requests(1, 50, 0), 1)).toEqual({ correlation: 0, pValue: 1 });
    const equal = [new Float64Array(3).fill(0.5), new Float64Array(3).fill(0.5)];
    expect(checkWithinRequestCorrelation(equal, 1)).toEqual({ correlation: 0, pValue: 1 });
  });
});
