/**
 * ROC figures of a score against known labels: AUC, balanced accuracy, TPR at FPR, TNR at FNR.
 *
 * Direction everywhere: a higher score means "positive", `true` or 1 is the positive label. For membership
 * figures the positives are the retained samples, so give the membership score (1 - completeness).
 * Everything depends on the order of the scores only and never on the order of the samples: tied scores are
 * one step of the curve. Proven by roc.spec.ts and the `auc` family of test/vectors/iam.
 */
import { IamError } from './errors.js';
import { piecewiseLinear } from './piecewise-linear.js';

/** True or 1 is a positive, false or 0 a negative. */
export type Labels = ArrayLike<number | boolean>;

/** Vertices of a ROC curve, one per distinct score from high to low, with (0, 0) first and (1, 1) last. */
export interface RocCurve {
  /** False-positive rates in [0, 1], not decreasing, `[vertices]`. */
  readonly falsePositiveRate: Float64Array;
  /** True-positive rates in [0, 1], not decreasing, `[vertices]`. */
  readonly truePositiveRate: Float64Array;
  /** Complements counted, not subtracted, so that 1/3 is 1/3: `[vertices]`, not increasing. */
  readonly trueNegativeRate: Float64Array;
  readonly falseNegativeRate: Float64Array;
  /** A sample counts as positive at this vertex when its score is >= the threshold; the first is Infinity. */
  readonly threshold: Float64Array;
  readonly positiveCount: number;
  readonly negativeCount: number;
}

/** Positives and negatives per distinct score, from high to low. */
export interface ScoreSteps {
  readonly score: Float64Array;
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
  readonly positiveCount: number;
  readonly negativeCount: number;
}

/**
 * Probability that a random positive scores above a random negative, ties counted half; in [0, 1].
 *
 * Mann-Whitney U over positives x negatives: sums of integers and halves, so exact up to one division.
 * @param scores `[samples]`, finite, higher means positive.
 * @param labels `[samples]`.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_NOT_FINITE, IAM_ONE_CLASS_MISSING (also for empty input).
 */
export function auc(scores: ArrayLike<number>, labels: Labels): number {
  return aucOfSteps(scoreSteps(scores, labels));
}

/** As {@link auc}, from steps. */
export function aucOfSteps(steps: ScoreSteps): number {
  let positivesAbove = 0;
  let wins = 0;
  for (let i = 0; i < steps.score.length; i += 1) {
    const positives = steps.positives[i]!;
    wins += steps.negatives[i]! * (positivesAbove + positives / 2);
    positivesAbove += positives;
  }
  return wins / (steps.positiveCount * steps.negativeCount);
}

/**
 * The ROC curve with every distinct score as a vertex.
 * @param scores `[samples]`, finite, higher means positive.
 * @param labels `[samples]`.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_NOT_FINITE, IAM_ONE_CLASS_MISSING.
 */
export function rocCurve(scores: ArrayLike<number>, labels: Labels): RocCurve {
  return curveOfSteps(scoreSteps(scores, labels));
}

/** As {@link rocCurve}, from steps. */
export function curveOfSteps(steps: ScoreSteps): RocCurve {
  const vertices = steps.score.length + 1;
  const falsePositiveRate = new Float64Array(vertices);
  const truePositiveRate = new Float64Array(vertices);
  const trueNegativeRate = new Float64Array(vertices).fill(1);
  const falseNegativeRate = new Float64Array(vertices).fill(1);
  const threshold = new Float64Array(vertices);
  threshold[0] = Infinity;
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < steps.score.length; i += 1) {
    positives += steps.positives[i]!;
    negatives += steps.negatives[i]!;
    truePositiveRate[i + 1] = positives / steps.positiveCount;
    falseNegativeRate[i + 1] = (steps.positiveCount - positives) / steps.positiveCount;
    falsePositiveRate[i + 1] = negatives / steps.negativeCount;
    trueNegativeRate[i + 1] = (steps.negativeCount - negatives) / steps.negativeCount;
    threshold[i + 1] = steps.score[i]!;
  }
  return {
    falsePositiveRate,
    truePositiveRate,
    trueNegativeRate,
    falseNegativeRate,
    threshold,
    positiveCount: steps.positiveCount,
    negativeCount: steps.negativeCount,
  };
}

/** Best balanced accuracy over all thresholds, max of 1 - (FPR + FNR) / 2; in [0.5, 1]. */
export function balancedAccuracy(curve: RocCurve): number {
  let best = 0.5;
  for (let i = 0; i < curve.threshold.length; i += 1) {
    best = Math.max(best, 1 - (curve.falsePositiveRate[i]! + curve.falseNegativeRate[i]!) / 2);
  }
  return best;
}

/**
 * TPR where the curve's FPR is `falsePositiveRate`, linear between vertices; at a vertical step its upper end.
 * @throws IamError IAM_PARAMETER_OUT_OF_RANGE unless `falsePositiveRate` is in [0, 1].
 */
export function tprAtFpr(curve: RocCurve, falsePositiveRate: number): number {
  requireRate(falsePositiveRate, 'falsePositiveRate');
  return piecewiseLinear(curve.falsePositiveRate, curve.truePositiveRate, falsePositiveRate);
}

/**
 * TNR where the curve's FNR is `falseNegativeRate`, linear between vertices; at a step its upper end, so a
 * perfect classifier has 1 at every FNR. The reference sorts the vertices by FNR alone, which leaves the end
 * of each step to the sort algorithm; `tnrAtFnrAsPublished` reproduces that.
 * @throws IamError IAM_PARAMETER_OUT_OF_RANGE unless `falseNegativeRate` is in [0, 1].
 */
export function tnrAtFnr(curve: RocCurve, falseNegativeRate: number): number {
  requireRate(falseNegativeRate, 'falseNegativeRate');
  return piecewiseLinear(
    curve.falseNegativeRate.toReversed(),
    curve.trueNegativeRate.toReversed(),
    falseNegativeRate,
  );
}

/**
 * Groups samples by score, from high to low.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_NOT_FINITE, IAM_ONE_CLASS_MISSING.
 */
export function scoreSteps(scores: ArrayLike<number>, labels: Labels): ScoreSteps {
  if (scores.length !== labels.length) {
    throw new IamError(
      'IAM_LENGTH_MISMATCH',
      `${String(scores.length)} scores but ${String(labels.length)} labels; give one label per score`,
    );
  }
  const positive = sortedScoresOf(scores, labels, true);
  const negative = sortedScoresOf(scores, labels, false);
  if (positive.length === 0 || negative.length === 0) {
    throw new IamError(
      'IAM_ONE_CLASS_MISSING',
      `a ROC figure needs both classes; got ${String(positive.length)} positives and ${String(negative.length)} negatives`,
    );
  }
  return mergeSteps(positive, negative);
}

function sortedScoresOf(scores: ArrayLike<number>, labels: Labels, wanted: boolean): Float64Array {
  const kept = new Float64Array(scores.length);
  let count = 0;
  for (let i = 0; i < scores.length; i += 1) {
    const score = scores[i]!;
    if (!Number.isFinite(score)) {
      throw new IamError('IAM_NOT_FINITE', `score ${String(i)} is not finite; leave unscorable samples out`, {
        details: { index: i },
      });
    }
    // Adding 0 turns -0 into 0, which a typed-array sort would otherwise place below it.
    if (Boolean(labels[i]) === wanted) kept[count++] = score + 0;
  }
  return kept.subarray(0, count).sort();
}

function mergeSteps(positive: Float64Array, negative: Float64Array): ScoreSteps {
  const capacity = positive.length + negative.length;
  const score = new Float64Array(capacity);
  const positives = new Float64Array(capacity);
  const negatives = new Float64Array(capacity);
  let p = positive.length;
  let n = negative.length;
  let steps = 0;
  while (p > 0 || n > 0) {
    const value = Math.max(positive[p - 1] ?? -Infinity, negative[n - 1] ?? -Infinity);
    score[steps] = value;
    for (; positive[p - 1] === value; p -= 1) positives[steps]! += 1;
    for (; negative[n - 1] === value; n -= 1) negatives[steps]! += 1;
    steps += 1;
  }
  return {
    score: score.subarray(0, steps),
    positives: positives.subarray(0, steps),
    negatives: negatives.subarray(0, steps),
    positiveCount: positive.length,
    negativeCount: negative.length,
  };
}

function requireRate(rate: number, name: string): void {
  if (!(rate >= 0 && rate <= 1)) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', `${name} is ${String(rate)}; it must lie in [0, 1]`);
  }
}
