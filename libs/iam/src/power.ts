/**
 * The measured power of a verification: how often samples known to be in the training data (controls) would have been
 * found, at the operating false-positive rate. A check that could not have found anything has power near alpha, and
 * must not pass. Proven by power.spec.ts.
 */
import { clopperPearson } from './clopper-pearson.js';
import type { RateInterval } from './clopper-pearson.js';
import { ConformalNull } from './conformal.js';
import { IamError } from './errors.js';
import { groupPValues } from './group-evidence.js';
import { SeededRandom } from './random.js';

export interface PowerInput {
  /** Scores of never-trained samples, in [0, 1]; NaN marks an unscorable sample. */
  readonly calibration: Float64Array;
  /** Scores of samples known to be in the training data, under the release being verified; NaN as above. */
  readonly controls: Float64Array;
  /** Operating false-positive rate, in (0, 1). */
  readonly alpha: number;
  /** Samples per group of controls, >= 1: the median request size. */
  readonly groupSize: number;
  readonly seed: string | number;
  /** Draws of the group test; see {@link groupPValues}. */
  readonly resamples?: number;
}

export interface MeasuredRate extends RateInterval {
  readonly trials: number;
}

export interface MeasuredPower {
  /** Share of single controls with residual p <= alpha. */
  readonly perSample: MeasuredRate;
  /** Share of groups of `groupSize` controls with residual p <= alpha. */
  readonly perRequest: MeasuredRate & { readonly groupSize: number };
}

const detectionRate = (pValues: ArrayLike<number>, alpha: number): MeasuredRate => {
  const trials = pValues.length;
  const detected = Array.from(pValues).filter((p) => p <= alpha).length;
  return { ...clopperPearson(detected, trials), trials };
};

/** Cuts a shuffled copy of `scores` into disjoint groups of `size`; what does not fill a group is left out. */
function shuffledGroups(scores: Float64Array, size: number, seed: string | number): Float64Array[] {
  const shuffled = scores.slice();
  new SeededRandom(`${String(seed)}/controls`).shuffle(shuffled);
  const count = Math.floor(shuffled.length / size);
  return Array.from({ length: count }, (_, i) => shuffled.subarray(i * size, (i + 1) * size));
}

/**
 * The detection rates of the controls with their exact 95 % intervals. With no controls, or too few for one group,
 * a rate is 0 of 0 trials with the interval [0, 1]; without calibration scores nothing is detected.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for an alpha outside (0, 1) or a group size below 1
 */
export function measurePower(input: PowerInput): MeasuredPower {
  const { alpha, groupSize, seed } = input;
  if (!(alpha > 0 && alpha < 1) || !Number.isInteger(groupSize) || groupSize < 1) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'power needs alpha in (0, 1) and a group size of at least 1',
      {
        details: { alpha, groupSize },
      },
    );
  }
  const controls = input.controls.filter((score) => !Number.isNaN(score)).sort();
  const neverTrained = ConformalNull.fit(input.calibration);
  const groups = groupPValues({
    nullScores: input.calibration,
    requests: shuffledGroups(controls, groupSize, seed),
    seed,
    ...(input.resamples === undefined ? {} : { resamples: input.resamples }),
  });
  return {
    perSample: detectionRate(
      controls.map((score) => neverTrained.pLower(score)),
      alpha,
    ),
    perRequest: { ...detectionRate(groups.pLower, alpha), groupSize },
  };
}
