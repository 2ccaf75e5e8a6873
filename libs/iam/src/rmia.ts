/**
 * RMIA, robust membership inference (Zarifzadeh, Liu and Shokri, ICML 2024), offline and online: how often the
 * likelihood ratio of the sample exceeds that of a population sample by the factor gamma.
 *
 * Direction: the result is 1 - that share, so 1 = dominates nobody = behaves as never trained on, 0 = member.
 * Signals are probabilities or probability-like (the reference: Taylor-soft-margin). The pairwise comparison
 * sorts the population once: O((N + Z) log Z) instead of N x Z. Proven by rmia.spec.ts and test/vectors/iam.
 */
import { IamError } from './errors.js';

/** Signals of samples under the release and its references; population sets have the same form. */
export interface RmiaSignals {
  /** Under the release under test, `[samples]`. */
  readonly target: ArrayLike<number>;
  /** Under the shadow models, row-major `[samples x shadows]`. */
  readonly out: ArrayLike<number>;
  /** Shadow models, >= 1. */
  readonly shadows: number;
}

export interface RmiaOnlineSignals extends RmiaSignals {
  /** Under a model trained on the sample, `[samples]`. */
  readonly in: ArrayLike<number>;
}

export interface RmiaSettings {
  /** Factor by which a sample must exceed a population sample; > 0. The paper's and the reference's is 2. */
  readonly gamma?: number;
  /** Share of reference signals cut off at each end before averaging, in [0, 0.5). */
  readonly trim?: number;
}

export interface RmiaOfflineSettings extends RmiaSettings {
  /**
   * How strongly a sample's mean over IN models follows its mean over OUT models, in [0, 1]: the paper's `a` in
   * p(x) = ((1 + a) p_out(x) + (1 - a)) / 2. Reference: 0.33 CIFAR-10 and CINIC-10, 0.6 CIFAR-100, 0.2 others.
   */
  readonly a: number;
}

const DEFAULT_GAMMA = 2;
const DEFAULT_TRIM = 0.2;

/**
 * Offline RMIA from OUT models only.
 * @returns `[samples]`, in [0, 1], 1 = unlearned; NaN where a signal of that sample is not usable.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_PARAMETER_OUT_OF_RANGE, IAM_NOT_FINITE (a population signal).
 */
export function rmiaOffline(
  samples: RmiaSignals,
  population: RmiaSignals,
  settings: RmiaOfflineSettings,
): Float64Array {
  const { a } = settings;
  if (!(a >= 0 && a <= 1)) throw outOfRange('a', a, '[0, 1]');
  const mean = (signals: RmiaSignals) => {
    const out = trimmedMeans([signals.out], signals, settings.trim);
    return out.map((value) => ((1 + a) / 2) * value + (1 - a) / 2);
  };
  return undominated(samples, population, mean, settings.gamma);
}

/**
 * Online RMIA from OUT models and one IN model, the IN signal counted once for each OUT model, as in the reference.
 * @returns `[samples]`, in [0, 1], 1 = unlearned; NaN where a signal of that sample is not usable.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_PARAMETER_OUT_OF_RANGE, IAM_NOT_FINITE (a population signal).
 */
export function rmiaOnline(
  samples: RmiaOnlineSignals,
  population: RmiaOnlineSignals,
  settings: RmiaSettings = {},
): Float64Array {
  const mean = (signals: RmiaOnlineSignals) => {
    requireLength('in', signals.in, signals.target.length);
    const { shadows } = signals;
    const repeated = Float64Array.from(
      { length: signals.in.length * shadows },
      (_, i) => signals.in[Math.floor(i / shadows)]!,
    );
    return trimmedMeans([signals.out, repeated], signals, settings.trim);
  };
  return undominated(samples, population, mean, settings.gamma);
}

/** Per sample the mean of its signals in all `blocks` after cutting the share `trim` off both ends. */
function trimmedMeans(
  blocks: readonly ArrayLike<number>[],
  { target, shadows }: RmiaSignals,
  trim = DEFAULT_TRIM,
): Float64Array {
  if (!Number.isInteger(shadows) || shadows < 1) throw outOfRange('shadows', shadows, '1, 2, ...');
  if (!(trim >= 0 && trim < 0.5)) throw outOfRange('trim', trim, '[0, 0.5)');
  for (const block of blocks) requireLength('out', block, target.length * shadows);
  const row = new Float64Array(blocks.length * shadows);
  const cut = Math.trunc(trim * row.length);
  return Float64Array.from({ length: target.length }, (_, sample) => {
    blocks.forEach((block, b) => {
      for (let s = 0; s < shadows; s += 1) row[b * shadows + s] = block[sample * shadows + s]!;
    });
    const kept = row.toSorted().subarray(cut, row.length - cut);
    return kept.reduce((sum, value) => sum + value, 0) / kept.length;
  });
}

/** 1 - share of population samples z with ratio(x) / ratio(z) > gamma, where ratio = target / reference mean. */
function undominated<S extends RmiaSignals>(
  samples: S,
  population: S,
  mean: (signals: S) => Float64Array,
  gamma = DEFAULT_GAMMA,
): Float64Array {
  if (!(gamma > 0)) throw outOfRange('gamma', gamma, '(0, Infinity)');
  const populationMean = mean(population);
  const inverseRatios = populationMean.map((value, z) => 1 / (population.target[z]! / value)).sort();
  if (inverseRatios.length === 0 || Number.isNaN(inverseRatios.at(-1)!)) {
    throw new IamError(
      'IAM_NOT_FINITE',
      'the population needs at least one sample and only usable signals; leave the others out',
    );
  }
  return mean(samples).map((value, x) => {
    const ratio = samples.target[x]! / value;
    if (!Number.isFinite(ratio)) return NaN;
    return 1 - countDominated(inverseRatios, ratio, gamma) / inverseRatios.length;
  });
}

/** How many of the ascending `inverseRatios`, times `ratio`, exceed `gamma`; rounding is monotone, so exact. */
function countDominated(inverseRatios: Float64Array, ratio: number, gamma: number): number {
  const dominated = (index: number) => ratio * inverseRatios[index]! > gamma;
  let low = 0;
  let high = inverseRatios.length;
  // For a negative ratio (Taylor signals can be negative) the dominated ones come first instead of last.
  const lowest = ratio < 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (dominated(middle) === lowest) low = middle + 1;
    else high = middle;
  }
  return lowest ? low : inverseRatios.length - low;
}

function requireLength(name: string, values: ArrayLike<number>, expected: number): void {
  if (values.length === expected) return;
  throw new IamError(
    'IAM_LENGTH_MISMATCH',
    `${name} holds ${String(values.length)} signals where ${String(expected)} belong`,
  );
}

function outOfRange(name: string, value: number, range: string): IamError {
  return new IamError('IAM_PARAMETER_OUT_OF_RANGE', `${name} is ${String(value)}; it must lie in ${range}`);
}
