/**
 * Whether calibration and commitments come from one distribution: p-values against a calibration set that does not
 * resemble the committed samples mean nothing. Compared are signals of the OUT reference, which never saw either and
 * cannot depend on unlearning, so a difference is one of the samples themselves.
 * Test: the two-sample Kolmogorov-Smirnov distance, its p-value by seeded permutation, exact under exchangeability and
 * with ties. Proven by drift.spec.ts.
 */
import { IamError } from './errors.js';
import { SeededRandom } from './random.js';

export interface DriftInput {
  /** OUT signals of the calibration samples, any scale; NaN marks an unscorable sample and is left out. */
  readonly calibration: Float64Array;
  /** OUT signals of the committed samples; NaN as above. */
  readonly commitments: Float64Array;
  readonly seed: string | number;
  /** Permutations, >= 1; the smallest p-value is 1/(permutations + 1). */
  readonly permutations?: number;
}

export interface DriftCheck {
  /** Largest distance of the two empirical distribution functions, in [0, 1]. */
  readonly distance: number;
  /** In (0, 1]; small when the sets differ. 1 when either is empty. */
  readonly pValue: number;
  /** Difference of the means (commitments - calibration) in standard deviations of both together; 0 without spread. */
  readonly shift: number;
  /** Samples compared of each set. */
  readonly calibrationSize: number;
  readonly commitmentSize: number;
}

/** Fewer blur a p-value near 0.001; more make a check of large sets slower than the verification it warns of. */
const DEFAULT_PERMUTATIONS = 1_999;
/** Larger sets are sampled down: 10,000 of each show a distance of 0.03; more would make big models wait. */
const LARGEST_SET = 10_000;

function sampled(signals: Float64Array, seed: string): Float64Array {
  const kept = signals.filter((signal) => !Number.isNaN(signal)).sort();
  if (kept.length <= LARGEST_SET) return kept;
  new SeededRandom(seed).shuffle(kept);
  return kept.slice(0, LARGEST_SET);
}

/**
 * Kolmogorov-Smirnov distance of a labelled pool.
 * @param ends ends[i] = 1 where a run of equal values ends in the ascending pool
 * @param fromFirst fromFirst[i] = 1 where pool value i belongs to the first set of `first` values
 */
function distanceOf(ends: Uint8Array, fromFirst: Int32Array, first: number): number {
  const second = ends.length - first;
  let seen = 0;
  let largest = 0;
  for (let i = 0; i < ends.length; i++) {
    seen += fromFirst[i]!;
    if (ends[i] === 1) largest = Math.max(largest, Math.abs(seen * second - (i + 1 - seen) * first));
  }
  return largest / (first * second);
}

function standardisedShift(calibration: Float64Array, commitments: Float64Array): number {
  const mean = (values: Float64Array): number =>
    values.reduce((sum, value) => sum + value / values.length, 0);
  const pooled = Float64Array.of(...calibration, ...commitments);
  const centre = mean(pooled);
  const deviation = Math.sqrt(mean(pooled.map((value) => (value - centre) ** 2)));
  return deviation > 0 ? (mean(commitments) - mean(calibration)) / deviation : 0;
}

/**
 * Compares calibration and commitments; a small p-value is a warning next to every verdict, not a verdict.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for permutations < 1; IAM_NOT_FINITE for an infinite signal
 */
export function checkDrift(input: DriftInput): DriftCheck {
  const { seed, permutations = DEFAULT_PERMUTATIONS } = input;
  if (!Number.isInteger(permutations) || permutations < 1) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'permutations must be a positive integer');
  }
  const calibration = sampled(input.calibration, `${String(seed)}/calibration`);
  const commitments = sampled(input.commitments, `${String(seed)}/commitments`);
  const sizes = { calibrationSize: calibration.length, commitmentSize: commitments.length };
  if (calibration.length === 0 || commitments.length === 0)
    return { distance: 0, pValue: 1, shift: 0, ...sizes };
  const pool = Float64Array.of(...calibration, ...commitments);
  if (!pool.every(Number.isFinite)) throw new IamError('IAM_NOT_FINITE', 'an OUT signal is infinite');
  const order = Int32Array.from(pool.keys()).sort((a, b) => pool[a]! - pool[b]!);
  const ends = Uint8Array.from(order, (at, i) => (pool[at] === pool[order[i + 1]!] ? 0 : 1));
  const fromFirst = order.map((at) => (at < calibration.length ? 1 : 0));
  const distance = distanceOf(ends, fromFirst, calibration.length);
  const random = new SeededRandom(`${String(seed)}/permutations`);
  let atLeast = 0;
  for (let i = 0; i < permutations; i++) {
    random.shuffle(fromFirst);
    if (distanceOf(ends, fromFirst, calibration.length) >= distance) atLeast++;
  }
  return {
    distance,
    pValue: (1 + atLeast) / (permutations + 1),
    shift: standardisedShift(calibration, commitments),
    ...sizes,
  };
}
