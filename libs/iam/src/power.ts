/**
 * The measured power of a verification: how often samples known to be in the training data (controls) would have been
 * found, at the operating false-positive rate. A check that could not have found anything has power near alpha, and
 * must not pass. Proven by power.spec.ts.
 */
import { clopperPearson } from './clopper-pearson.js';
import type { RateInterval } from './clopper-pearson.js';
import { clusterPValues, comparableSize, oneOfEachCluster, shuffledClusters } from './cluster-evidence.js';
import { ConformalNull, requiredCalibrationSize } from './conformal.js';
import { IamError } from './errors.js';
import { DEFAULT_RESAMPLES, type GroupEvidence, groupPValues } from './group-evidence.js';
import { mergedPValues, mergingFactor } from './merged-evidence.js';
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
   * (see {@link clusterPValues}), and the groups of controls are cut from their clusters; where most clusters are
   * smaller than `groupSize`, groups are as small as those.
   */
  readonly clusters?: { readonly calibration: Int32Array; readonly controls: Int32Array };
  /**
   * True where requests are judged by {@link mergedPValues}: then the power is the lower one of groups of controls as they
   * come and of groups whose samples are all alike. Clusters, where given, supply one sample each to compare with.
   */
  readonly merged?: boolean;
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

interface ControlGroups {
  readonly groups: readonly Float64Array[];
  readonly groupSize: number;
}

function groupsOfControls({ controls, groupSize, seed, clusters }: PowerInput): ControlGroups {
  if (clusters) {
    const whole = shuffledClusters(controls, clusters.controls, `${String(seed)}/controls`);
    const size = Math.min(groupSize, comparableSize(whole, Math.ceil(whole.length / 2)) || groupSize);
    return { groups: whole.flatMap((cluster) => fullGroups(cluster, size)), groupSize: size };
  }
  const shuffled = controls.filter((score) => !Number.isNaN(score)).sort();
  new SeededRandom(`${String(seed)}/controls`).shuffle(shuffled);
  return { groups: fullGroups(shuffled, groupSize), groupSize };
}

function evidenceOf(input: PowerInput, requests: readonly Float64Array[]): GroupEvidence {
  const { calibration: nullScores, clusters, seed, resamples = DEFAULT_RESAMPLES } = input;
  if (!clusters) return groupPValues({ nullScores, requests, seed, resamples });
  const leastClusters = requiredCalibrationSize(input.alpha);
  return clusterPValues({ nullScores, nullCluster: clusters.calibration, requests, seed, leastClusters });
}

/**
 * How often the merged test finds a group: the lower one of the rates for the groups there are and for groups of samples
 * that are all alike, of which a single control stands for a whole one.
 */
function mergedRate(
  { alpha, controls, clusters, seed }: PowerInput,
  known: Float64Array,
  { groups, groupSize }: ControlGroups,
): MeasuredRate {
  const asTheyCome = detectionRate(mergedPValues({ nullScores: known, requests: groups }).pLower, alpha);
  if (groups.length === 0) return asTheyCome;
  const null_ = ConformalNull.fit(known);
  const alike = (
    clusters ? oneOfEachCluster(controls, clusters.controls, `${String(seed)}/controls`) : controls
  )
    .filter((score) => !Number.isNaN(score))
    .map((score) => mergingFactor(groupSize) * null_.pLower(score));
  const allAlike = detectionRate(alike, alpha);
  return allAlike.rate < asTheyCome.rate ? allAlike : asTheyCome;
}

/**
 * The detection rates of the controls with their exact 95 % intervals. With no controls, or too few for one group,
 * a rate is 0 of 0 trials with the interval [0, 1]; without calibration scores nothing is detected. Controls that do
 * not fill a last group are left out of the rate per request.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for an alpha outside (0, 1) or a group size below 1
 */
export function measurePower(input: PowerInput): MeasuredPower {
  const { alpha, groupSize, seed, clusters, calibration } = input;
  if (!(alpha > 0 && alpha < 1) || !Number.isInteger(groupSize) || groupSize < 1) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'power needs alpha in (0, 1) and a group size of at least 1',
      {
        details: { alpha, groupSize },
      },
    );
  }
  const known = clusters
    ? oneOfEachCluster(calibration, clusters.calibration, `${String(seed)}/calibration`)
    : calibration;
  const neverTrained = ConformalNull.fit(known);
  const single = input.controls
    .filter((score) => !Number.isNaN(score))
    .map((score) => neverTrained.pLower(score));
  const measured = groupsOfControls(input);
  const perRequest = input.merged
    ? mergedRate(input, known, measured)
    : detectionRate(evidenceOf(input, measured.groups).pLower, alpha);
  return {
    perSample: detectionRate(single, alpha),
    perRequest: { ...perRequest, groupSize: measured.groupSize },
  };
}
