/**
 * TNR at FNR exactly as the reference tables have it, for comparing with them and for nothing else.
 *
 * Fault `tnr-sort-order`: the reference sorts the curve's vertices by FNR alone. Vertices of equal FNR (a step
 * of the curve) then stand in whatever order NumPy's introsort leaves them, usually the wrong one, and every
 * interpolated value near a step starts from that end: a perfect classifier gets TNR 0.015 at FNR 0.01 instead
 * of 1. The remedy is `tnrAtFnr`. Proven by the `auc` family of test/vectors/iam and tnr-as-published.spec.ts.
 */
import { piecewiseLinear } from './piecewise-linear.js';
import type { RocCurve } from './roc.js';

/** NumPy's introsort leaves ranges this wide to insertion sort; another value gives other tie orders. */
const INSERTION_SORT_LENGTH = 15;

/**
 * The published TNR at each false-negative rate, in the order given.
 * @param curve vertices of the ROC curve.
 * @param falseNegativeRates in [0, 1].
 */
export function tnrAtFnrAsPublished(curve: RocCurve, falseNegativeRates: readonly number[]): number[] {
  const kept = cornersOnly(curve);
  const falseNegativeRate = kept.map((i) => 1 - curve.truePositiveRate[i]!);
  const order = introsortOrder(falseNegativeRate);
  const x = order.map((i) => falseNegativeRate[i]!);
  const y = order.map((i) => 1 - curve.falsePositiveRate[kept[i]!]!);
  return falseNegativeRates.map((rate) => piecewiseLinear(x, y, rate));
}

/** Vertex indexes left after dropping those in the middle of two equal steps, as scikit-learn does. */
function cornersOnly(curve: RocCurve): number[] {
  const { truePositiveRate, falsePositiveRate, positiveCount, negativeCount } = curve;
  const positives = Array.from(truePositiveRate, (rate) => Math.round(rate * positiveCount));
  const negatives = Array.from(falsePositiveRate, (rate) => Math.round(rate * negativeCount));
  const bends = (counts: number[], i: number) => counts[i - 1]! - 2 * counts[i]! + counts[i + 1]! !== 0;
  const last = positives.length - 1;
  // The first counted vertex is the highest score, not (0, 0), which is put before it afterwards.
  return positives.flatMap((_, i) =>
    i <= 1 || i === last || bends(positives, i) || bends(negatives, i) ? [i] : [],
  );
}

/** Indexes of `values` in ascending order with the tie order of NumPy 1.24's argsort (introsort, median of 3). */
function introsortOrder(values: readonly number[]): number[] {
  const order = values.map((_, i) => i);
  const below = (i: number, j: number) => values[order[i]!]! < values[order[j]!]!;
  const swap = (i: number, j: number) => {
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  };
  const pending: [number, number][] = [[0, order.length - 1]];
  for (let range = pending.pop(); range; range = pending.pop()) {
    let [left, right] = range;
    while (right - left > INSERTION_SORT_LENGTH) {
      const split = partition(order, values, left, right, below, swap);
      if (split - left < right - split) {
        pending.push([split + 1, right]);
        right = split - 1;
      } else {
        pending.push([left, split - 1]);
        left = split + 1;
      }
    }
    for (let i = left + 1; i <= right; i += 1)
      for (let j = i; j > left && below(j, j - 1); j -= 1) swap(j, j - 1);
  }
  return order;
}

function partition(
  order: readonly number[],
  values: readonly number[],
  left: number,
  right: number,
  below: (i: number, j: number) => boolean,
  swap: (i: number, j: number) => void,
): number {
  const middle = left + ((right - left) >> 1);
  if (below(middle, left)) swap(middle, left);
  if (below(right, middle)) swap(right, middle);
  if (below(middle, left)) swap(middle, left);
  const pivot = values[order[middle]!]!;
  let i = left;
  let j = right - 1;
  swap(middle, j);
  for (;;) {
    do i += 1;
    while (values[order[i]!]! < pivot);
    do j -= 1;
    while (pivot < values[order[j]!]!);
    if (i >= j) break;
    swap(i, j);
  }
  swap(i, right - 1);
  return i;
}
