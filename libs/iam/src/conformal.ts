/**
 * Conformal p-values of single scores: the rank of a score among scores known to follow the null hypothesis.
 * p = (1 + #{null scores at least as extreme}) / (n + 1) is super-uniform when the score and the null scores are
 * exchangeable, with no assumption on their distribution (Vovk, Gammerman and Shafer 2005; Bates et al. 2023).
 * Ties count as at least as extreme: a tie can only make p larger. Proven by conformal.spec.ts.
 */
import { IamError } from './errors.js';

/** The first index of `sorted` whose value is >= `value` (or > `value` when `past`). */
function bound(sorted: Float64Array, value: number, past: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (past ? sorted[middle]! <= value : sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many values of the ascending `sorted` are <= `value`. */
export const countAtMost = (sorted: Float64Array, value: number): number => bound(sorted, value, true);

/** How many values of the ascending `sorted` are >= `value`. */
export const countAtLeast = (sorted: Float64Array, value: number): number =>
  sorted.length - bound(sorted, value, false);

/** The scores of one null hypothesis, ready to rank others; immutable once fitted. */
export class ConformalNull {
  private constructor(private readonly sorted: Float64Array) {}

  /** The null distribution of `scores` (copied, any order); NaN marks an unscorable sample and is left out. */
  static fit(scores: Float64Array): ConformalNull {
    return new ConformalNull(scores.filter((score) => !Number.isNaN(score)).sort());
  }

  /** How many scores the null holds. With none, every p-value is 1. */
  get size(): number {
    return this.sorted.length;
  }

  /**
   * p of "no lower than the null", in [1/(n+1), 1]: small when `score` lies low. Against never-trained samples a
   * small value is residual evidence (completeness scores: low = member).
   * @throws IAM_NOT_FINITE for a NaN score
   */
  pLower(score: number): number {
    return this.rank(countAtMost(this.sorted, this.checked(score)));
  }

  /**
   * p of "no higher than the null", in [1/(n+1), 1]: small when `score` lies high. Against controls a small value
   * says "no longer a member"; against never-trained samples, over-unlearned.
   * @throws IAM_NOT_FINITE for a NaN score
   */
  pUpper(score: number): number {
    return this.rank(countAtLeast(this.sorted, this.checked(score)));
  }

  private rank(atLeastAsExtreme: number): number {
    return (1 + atLeastAsExtreme) / (this.size + 1);
  }

  private checked(score: number): number {
    if (Number.isNaN(score)) throw new IamError('IAM_NOT_FINITE', 'an unscorable sample has no p-value');
    return score;
  }
}

/**
 * The smallest calibration set with which a single score can reach p <= alpha: the least n with 1/(n+1) <= alpha.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for an alpha outside (0, 1)
 */
export function requiredCalibrationSize(alpha: number): number {
  if (!(alpha > 0 && alpha < 1)) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'alpha must lie between 0 and 1', {
      details: { alpha },
    });
  }
  let size = Math.max(1, Math.ceil(1 / alpha) - 2);
  while (1 / (size + 1) > alpha) size++;
  return size;
}

/**
 * Refuses a calibration set that could never produce a finding.
 * @param size how many there are of what is ranked, named by `unit`
 * @throws IAM_CALIBRATION_TOO_SMALL with details {have, need}
 */
export function ensureCalibrationSize(size: number, alpha: number, unit = 'calibration samples'): void {
  const need = requiredCalibrationSize(alpha);
  if (size < need) {
    throw new IamError(
      'IAM_CALIBRATION_TOO_SMALL',
      `a level of ${String(alpha)} needs at least ${String(need)} ${unit}, there are ${String(size)}`,
      { details: { have: size, need } },
    );
  }
}
