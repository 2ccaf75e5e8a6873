import { describe, expect, it } from 'vitest';
import { BinaryMlp } from './binary-mlp.js';
import { SeededRandom } from './random.js';

/** Points of the unit square, labelled by exclusive or of their halves: no single line separates them. */
function checkerboard(size: number, seed: number) {
  const random = new SeededRandom(seed);
  const features = Float64Array.from({ length: 2 * size }, () => random.nextUnit());
  const labels = Array.from(
    { length: size },
    (_, i) => features[2 * i]! > 0.5 !== features[2 * i + 1]! > 0.5,
  );
  return { features, labels };
}

describe('BinaryMlp', () => {
  const { features, labels } = checkerboard(1500, 1);
  const model = BinaryMlp.train(features, labels, { hidden: 32, seed: 2 });

  it('learns what no linear model can', () => {
    const fresh = checkerboard(500, 9);
    const right = fresh.labels.filter(
      (label, i) => model.predict(fresh.features.subarray(2 * i, 2 * i + 2)) > 0.5 === label,
    );
    expect(right.length / 500).toBeGreaterThan(0.9);
  });

  it('is the same for the same seed and another for another', () => {
    const point = Float64Array.of(0.3, 0.6);
    const output = (seed: number) =>
      BinaryMlp.train(features, labels, { hidden: 8, maxEpochs: 3, seed }).predict(point);
    expect(output(2)).toBe(output(2));
    expect(output(3)).not.toBe(output(2));
  });

  it('has no opinion on a feature that is not finite', () => {
    expect(model.predict(Float64Array.of(NaN, 0.5))).toBeNaN();
  });

  it.each([
    ['IAM_ONE_CLASS_MISSING', [1, 2], [1, 1]],
    ['IAM_ONE_CLASS_MISSING', [], []],
    ['IAM_LENGTH_MISMATCH', [1, 2, 3], [1, 0]],
    ['IAM_NOT_FINITE', [1, NaN], [1, 0]],
  ])('refuses with %s', (code, values, flags) => {
    expect(() => BinaryMlp.train(Float64Array.from(values), flags)).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });
});
