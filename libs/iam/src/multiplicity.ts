/**
 * Many tests at once: the step-up procedure of Benjamini and Hochberg (JRSS B 57, 1995). Among the rejected
 * hypotheses at most a share q is expected to be true; it holds for independent p-values and for positively
 * dependent ones, as conformal p-values sharing one calibration set are (Bates, Candes, Lei, Romano and Sesia,
 * Annals of Statistics 2023, theorem 2). Proven by multiplicity.spec.ts.
 */
import { IamError } from './errors.js';

export interface StepUpDecision {
  /** One flag a p-value, in input order. */
  readonly rejected: boolean[];
  /**
   * The limit this family is held to: a p-value is rejected exactly when it is <= threshold. With k rejections it
   * is q max(k, 1) / m: with none rejected, what a single p-value would have had to reach. q for an empty family.
   */
  readonly threshold: number;
}

function sortedPValues(p: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(p).sort();
  if (sorted.some((value) => !(value >= 0 && value <= 1))) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'a p-value lies outside [0, 1]');
  }
  return sorted;
}

/**
 * The Benjamini-Hochberg decision over one family of p-values.
 * @param p p-values in [0, 1], any order
 * @param q level in (0, 1)
 * @throws IAM_PARAMETER_OUT_OF_RANGE for a q outside (0, 1) or a p outside [0, 1] (NaN included)
 */
export function benjaminiHochberg(p: ArrayLike<number>, q: number): StepUpDecision {
  if (!(q > 0 && q < 1)) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'q must lie between 0 and 1', { details: { q } });
  }
  const sorted = sortedPValues(p);
  const total = sorted.length;
  let rejections = total;
  while (rejections > 0 && sorted[rejections - 1]! > (q * rejections) / total) rejections--;
  const threshold = total === 0 ? q : (q * Math.max(rejections, 1)) / total;
  return { rejected: Array.from(p, (value) => value <= threshold), threshold };
}

/**
 * The p-value of the whole family, min over k of m p_(k) / k: small when some hypothesis of the family is false (Simes,
 * Biometrika 1986; valid where {@link benjaminiHochberg} is, which rejects something at level q exactly when this is
 * <= q, up to rounding). 1 for an empty family.
 * @param p p-values in [0, 1], any order
 * @throws IAM_PARAMETER_OUT_OF_RANGE for a p outside [0, 1] (NaN included)
 */
export function simesPValue(p: ArrayLike<number>): number {
  const sorted = sortedPValues(p);
  return sorted.reduce((least, value, i) => Math.min(least, (sorted.length * value) / (i + 1)), 1);
}
