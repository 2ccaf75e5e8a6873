/**
 * Bootstrap intervals of AUC and TPR at FPR: each class is resampled with replacement to its own size, the sorting
 * is done once. Seeded: the same input gives the same interval everywhere. Percentile intervals (Efron 1979).
 * Proven by roc-bootstrap.spec.ts.
 */
import { average } from './average.js';
import { IamError } from './errors.js';
import { SeededRandom } from './random.js';
import { aucOfSteps, scoreSteps, type Labels, type ScoreSteps } from './roc.js';

export interface Interval {
  /** Mean over the resamples: what published tables print beside their +-. */
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface RocIntervals {
  readonly auc: Interval;
  /** In the order of the rates asked for. */
  readonly tprAtFpr: readonly Interval[];
}

export interface BootstrapSettings {
  /** False-positive rates in [0, 1] at which TPR is wanted. */
  readonly falsePositiveRates: readonly number[];
  /** Below a few hundred the ends of the interval wander; beyond a few thousand nothing changes. */
  readonly resamples?: number;
  readonly seed?: string | number;
  /** Share of resamples inside the interval, in (0, 1). */
  readonly confidence?: number;
}

export const DEFAULT_BOOTSTRAP_RESAMPLES = 1000;

/**
 * Intervals of AUC and of TPR at each rate.
 * @param scores `[samples]`, finite, higher means positive.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_NOT_FINITE, IAM_ONE_CLASS_MISSING, IAM_PARAMETER_OUT_OF_RANGE.
 */
export function bootstrapRoc(
  scores: ArrayLike<number>,
  labels: Labels,
  settings: BootstrapSettings,
): RocIntervals {
  const {
    falsePositiveRates,
    resamples = DEFAULT_BOOTSTRAP_RESAMPLES,
    seed = 1,
    confidence = 0.95,
  } = settings;
  if (!Number.isInteger(resamples) || resamples < 2 || !(confidence > 0 && confidence < 1)) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'resamples must be an integer >= 2, confidence in (0, 1)',
      { details: { resamples, confidence } },
    );
  }
  const steps = scoreSteps(scores, labels);
  const positives = stepOfEach(steps.positives, steps.positiveCount);
  const negatives = stepOfEach(steps.negatives, steps.negativeCount);
  const random = new SeededRandom(seed);
  const figures = [...Array(1 + falsePositiveRates.length).keys()].map(() => new Float64Array(resamples));
  for (let i = 0; i < resamples; i += 1) {
    drawCounts(positives, steps.positives, random);
    drawCounts(negatives, steps.negatives, random);
    figures[0]![i] = aucOfSteps(steps);
    falsePositiveRates.forEach((rate, r) => {
      figures[r + 1]![i] = tprOfSteps(steps, rate);
    });
  }
  const [auc, ...tprAtFpr] = figures.map((values) => percentileInterval(values, confidence));
  return { auc: auc!, tprAtFpr };
}

/** For each sample of one class the index of its step, `[samples of the class]`. */
function stepOfEach(counts: Float64Array, total: number): Int32Array {
  const steps = new Int32Array(total);
  let next = 0;
  counts.forEach((count, step) => {
    steps.fill(step, next, next + count);
    next += count;
  });
  return steps;
}

/** Overwrites `counts`, which belongs to this module's copy of the steps, with one resample. */
function drawCounts(stepOf: Int32Array, counts: Float64Array, random: SeededRandom): void {
  counts.fill(0);
  for (let i = 0; i < stepOf.length; i += 1) counts[stepOf[random.nextBelow(stepOf.length)]!]! += 1;
}

/** As `tprAtFpr`, in one pass and without building the curve; steps without samples change nothing. */
function tprOfSteps(steps: ScoreSteps, falsePositiveRate: number): number {
  const allowed = falsePositiveRate * steps.negativeCount;
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < steps.score.length; i += 1) {
    const nextNegatives = negatives + steps.negatives[i]!;
    if (nextNegatives > allowed) {
      const share = (allowed - negatives) / steps.negatives[i]!;
      return (positives + share * steps.positives[i]!) / steps.positiveCount;
    }
    positives += steps.positives[i]!;
    negatives = nextNegatives;
  }
  return 1;
}

function percentileInterval(values: Float64Array, confidence: number): Interval {
  const sorted = values.toSorted();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  return { mean: average(values), low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) };
}
