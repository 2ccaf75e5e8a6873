/**
 * The measured power of a verification: how often samples known to be in the training data (controls) would have been
 * found, at the operating false-positive rate. A check that could not have found anything has power near alpha, and
 * must not pass. Proven by power.spec.ts.
 */
import { clopperPearson } from './clopper-pearson.js';
import type { RateInterval } from './clopper-pearson.js';
import { clusterPValues, shuffledClusters } from './cluster-evidence.js';
import { ConformalNull } from './conformal.js';
import { IamError } from './errors.js';
import { DEFAULT_RESAMPLES, groupPValues } from './group-evidence.js';
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
  /**
   * Cluster of each calibration and each control score, where samples stick together: then whole clusters are ranked
   * (see {@link clusterPValues}), and the groups of controls are cut from their clusters.
   */
  readonly clusters?: { readonly calibration: Int32Array; readonly controls: Int32Array };
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

const fullGroups = (scores: Float64Array, size: number): Float64Array[] =>
  Array.from({ length: Math.floor(scores.length / size) }, (_, i) =>
    scores.subarray(i * size, (i + 1) * size),
  );

function groupsOfControls({ controls, groupSize, seed, clusters }: PowerInput): Float64Array[] {
  if (clusters) {
    return shuffledClusters(controls, clusters.controls, `${String(seed)}/controls`).flatMap((cluster) =>
      fullGroups(cluster, groupSize),
    );
  }
  const shuffled = controls.filter((score) => !Number.isNaN(score)).sort();
  new SeededRandom(`${String(seed)}/controls`).shuffle(shuffled);
  return fullGroups(shuffled, groupSize);
}

/**
 * The detection rates of the controls with their exact 95 % intervals. With no controls, or too few for one group,
 * a rate is 0 of 0 trials with the interval [0, 1]; without calibration scores nothing is detected. Controls that do
 * not fill a last group are left out of the rate per request.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for an alpha outside (0, 1) or a group size below 1
 */
export function measurePower(input: PowerInput): MeasuredPower {
  const { alpha, groupSize, seed, clusters, resamples = DEFAULT_RESAMPLES } = input;
  if (!(alpha > 0 && alpha < 1) || !Number.isInteger(groupSize) || groupSize < 1) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'power needs alpha in (0, 1) and a group size of at least 1',
      {
        details: { alpha, groupSize },
      },
    );
  }
  const neverTrained = ConformalNull.fit(input.calibration);
  const single = input.controls
    .filter((score) => !Number.isNaN(score))
    .map((score) => neverTrained.pLower(score));
  const test = { nullScores: input.calibration, requests: groupsOfControls(input), seed };
  const grouped = clusters
    ? clusterPValues({ ...test, nullCluster: clusters.calibration })
    : groupPValues({ ...test, resamples });
  return {
    perSample: detectionRate(single, alpha),
    perRequest: { ...detectionRate(grouped.pLower, alpha), groupSize },
  };
}
