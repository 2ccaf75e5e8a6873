/**
 * The exact binomial interval of Clopper and Pearson (Biometrika 1934): whatever the true rate is, the interval
 * covers it with at least the stated confidence. Proven by clopper-pearson.spec.ts.
 */
import { IamError } from './errors.js';
import { inverseIncompleteBeta } from './incomplete-beta.js';

/** A measured rate with its exact interval; all three in [0, 1]. */
export interface RateInterval {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The rate successes/trials and its two-sided exact interval.
 * Zero trials say nothing: rate 0, interval [0, 1].
 * @param confidence in (0, 1), default 0.95
 * @throws IAM_PARAMETER_OUT_OF_RANGE unless 0 <= successes <= trials are integers and confidence is in (0, 1)
 */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): RateInterval {
  const countsFit = Number.isInteger(successes) && Number.isInteger(trials) && successes >= 0;
  if (!countsFit || successes > trials || !(confidence > 0 && confidence < 1)) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'an interval needs integers 0 <= successes <= trials and a confidence between 0 and 1',
      { details: { successes, trials, confidence } },
    );
  }
  if (trials === 0) return { rate: 0, low: 0, high: 1 };
  const tail = (1 - confidence) / 2;
  return {
    rate: successes / trials,
    low: successes === 0 ? 0 : inverseIncompleteBeta(tail, successes, trials - successes + 1),
    high: successes === trials ? 1 : inverseIncompleteBeta(1 - tail, successes + 1, trials - successes),
  };
}
