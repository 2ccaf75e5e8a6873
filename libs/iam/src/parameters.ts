/** The parameters of one measurement: part of the frozen profile, so that they are hashed and signed with the verdicts. */
import { log } from './elementary.js';
import { IamError } from './errors.js';

/** `probability`: true-class probability in [0, 1]. `loss`: average token negative log-likelihood in nats, >= 0. */
export type SignalKind = 'probability' | 'loss';

/** Distribution fitted to the interpolated signals of each level. */
export type Likelihood = 'gumbel' | 'norm';

export interface IamParameters {
  readonly signalKind: SignalKind;
  /** `online`: IN is the original model's signal of the same sample. `offline`: IN is one number for all samples. */
  readonly mode: 'online' | 'offline';
  readonly likelihood: Likelihood;
  /** K: levels a_k = k/(K-1), k = 0..K-1, of which the last is dropped. 2 means no interpolation. */
  readonly levels: number;
  /** Bounds the signal above, at -ln(epsilon1 - ln(1 + epsilon2)): larger flattens confident samples. */
  readonly epsilon1: number;
  /** Bounds the signal below, at -ln(epsilon1 - ln(epsilon2)): larger flattens the least likely samples. */
  readonly epsilon2: number;
}

/** The reference's settings: 100 levels for classifiers; 1,000 and a wider bound for language models. */
export const DEFAULT_PARAMETERS: Readonly<Record<SignalKind, IamParameters>> = {
  probability: {
    signalKind: 'probability',
    mode: 'online',
    likelihood: 'gumbel',
    levels: 100,
    epsilon1: 1e-2,
    epsilon2: 1e-5,
  },
  loss: {
    signalKind: 'loss',
    mode: 'online',
    likelihood: 'gumbel',
    levels: 1000,
    epsilon1: 1e-1,
    epsilon2: 1e-5,
  },
};

/** More levels change a score by less than 1e-5 and cost time in proportion. */
const MAX_LEVELS = 100_000;

/**
 * Accepts parameters for which every signal of a valid raw value is finite.
 * @throws IAM_PARAMETER_OUT_OF_RANGE unless 2 <= levels <= 100,000 (integer), 0 < epsilon2 < 1 and
 *   epsilon1 > ln(1 + epsilon2), and the named options are known ones
 */
export function checkParameters(parameters: IamParameters): void {
  const { signalKind, mode, likelihood, levels, epsilon1, epsilon2 } = parameters;
  checkLevels(levels);
  const known =
    ['probability', 'loss'].includes(signalKind) &&
    ['online', 'offline'].includes(mode) &&
    ['gumbel', 'norm'].includes(likelihood);
  if (!known) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'unknown signalKind, mode or likelihood', {
      details: { signalKind, mode, likelihood },
    });
  }
  if (!(epsilon2 > 0 && epsilon2 < 1 && Number.isFinite(epsilon1) && epsilon1 > log(1 + epsilon2))) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'epsilon2 must lie in (0, 1) and epsilon1 above ln(1 + epsilon2), or the signal has no value at p = 0 or 1',
      { details: { epsilon1, epsilon2 } },
    );
  }
}

/** @throws IAM_PARAMETER_OUT_OF_RANGE unless `levels` is an integer in 2..100,000 */
export function checkLevels(levels: number): void {
  if (Number.isInteger(levels) && levels >= 2 && levels <= MAX_LEVELS) return;
  throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', `levels must be an integer in 2..${String(MAX_LEVELS)}`, {
    details: { levels },
  });
}
