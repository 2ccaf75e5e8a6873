/**
 * EMIA, enhanced membership inference (Ye et al., CCS 2022), by reference models and by a population: where the
 * release's loss on the sample stands among losses that no training on the sample has lowered.
 *
 * Direction: in [0, 1], 1 = the loss is higher than all of them = unlearned, 0 = member. As in the reference the
 * loss is ln(1 + e^-y) of the true-class logit y alone, not of the softmax. Proven by hard-attacks.spec.ts and
 * test/vectors/iam.
 */
import { exp, log } from './elementary.js';
import { IamError } from './errors.js';
import { piecewiseLinear } from './piecewise-linear.js';

/** Ends of the reference's empirical distribution: no loss is below 0, and 1,000 stands for "higher than any". */
const LOWEST_LOSS = 0;
const HIGHEST_LOSS = 1000;

/**
 * Reference attack: the rank of the release's loss among the shadow models' losses on the same sample, linear
 * between them.
 * @param target true-class logits under the release, `[samples]`.
 * @param out the same under the shadow models, row-major `[samples x shadows]`.
 * @param shadows shadow models, >= 1.
 * @returns `[samples]`, in [0, 1], 1 = unlearned; NaN where a logit of that sample is not finite.
 * @throws IamError IAM_LENGTH_MISMATCH.
 */
export function emiaReference(
  target: ArrayLike<number>,
  out: ArrayLike<number>,
  shadows: number,
): Float64Array {
  if (out.length !== target.length * shadows) {
    throw new IamError('IAM_LENGTH_MISMATCH', 'out must hold one logit per sample and shadow model');
  }
  const rank = Float64Array.from({ length: shadows + 2 }, (_, i) => i / (shadows + 1));
  const losses = new Float64Array(shadows + 2);
  return Float64Array.from({ length: target.length }, (_, sample) => {
    for (let s = 0; s < shadows; s += 1) losses[s] = lossOfLogit(out[sample * shadows + s]!);
    losses[shadows] = LOWEST_LOSS;
    losses[shadows + 1] = HIGHEST_LOSS;
    losses.sort();
    const loss = lossOfLogit(target[sample]!);
    return Number.isNaN(loss + losses.at(-1)!) ? NaN : piecewiseLinear(losses, rank, loss);
  });
}

/**
 * Population attack: the share of population samples whose loss under the release is below the sample's own.
 * @param target true-class logits under the release, `[samples]`.
 * @param population true-class logits of never-trained samples under the release, `[population]`, at least one.
 * @returns `[samples]`, in [0, 1], 1 = unlearned; NaN where the logit is not finite.
 * @throws IamError IAM_NOT_FINITE for an empty population or one with an unusable logit.
 */
export function emiaPopulation(target: ArrayLike<number>, population: ArrayLike<number>): Float64Array {
  const losses = Float64Array.from(population, lossOfLogit).sort();
  if (losses.length === 0 || Number.isNaN(losses.at(-1)!)) {
    throw new IamError(
      'IAM_NOT_FINITE',
      'the population needs at least one sample and only finite logits; leave the others out',
    );
  }
  return Float64Array.from(target, (logit) => {
    const loss = lossOfLogit(logit);
    return Number.isNaN(loss) ? NaN : countBelow(losses, loss) / losses.length;
  });
}

/** ln(1 + e^-y), without overflow for large |y| and without losing the digits of a small result. */
function lossOfLogit(logit: number): number {
  if (!Number.isFinite(logit)) return NaN;
  const small = exp(-Math.abs(logit));
  const sum = 1 + small;
  // The rounding error of 1 + small is known exactly, and its first-order effect on the logarithm restored.
  const logarithm = sum === 1 ? small : (log(sum) * small) / (sum - 1);
  return logarithm + Math.max(-logit, 0);
}

function countBelow(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
