/**
 * LiRA, the likelihood-ratio attack (Carlini et al., S&P 2022), offline and online, and update-LiRA, which compares
 * the release with the original model. Signals are scaled logits (signals.ts, `scaledLogit`), close to normal.
 *
 * Direction of all: higher = more unlearned. Proven by hard-attacks.spec.ts and test/vectors/iam.
 *
 * Fault `zero-variance-spike`: with one model on a side the reference's standard deviation is 0 + 1e-30. Its offline
 * score is then a distance in units of 1e-60, and its online score (always one IN model) is ruled by the distance
 * to the IN signal alone, whatever the OUT models say. The remedy is a deviation shared by all samples
 * (`gaussiansOf` with a number); `gaussiansAsPublished` keeps the reference's for comparing with its tables.
 */
import { average } from './average.js';
import { log } from './elementary.js';
import { IamError } from './errors.js';
import { normalCdf } from './normal.js';

/** A normal distribution of the signal of each sample. */
export interface Gaussians {
  /** `[samples]` */
  readonly mean: Float64Array;
  /** `[samples]`, > 0 */
  readonly deviation: Float64Array;
}

/** Added by the reference to every deviation; kept for parity only. */
const PUBLISHED_DEVIATION_FLOOR = 1e-30;
const LOG_SQRT_TWO_PI = 0.9189385332046727;

/**
 * One normal distribution per sample: its own mean over the models, and `deviation` for all samples.
 * @param signals row-major `[samples x models]`; a NaN makes that sample's mean NaN.
 * @param models models per sample, >= 1.
 * @param deviation > 0, for instance {@link pooledDeviation} of a reference set, frozen.
 * @throws IamError IAM_PARAMETER_OUT_OF_RANGE.
 */
export function gaussiansOf(signals: ArrayLike<number>, models: number, deviation: number): Gaussians {
  if (!(deviation > 0 && deviation < Infinity)) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'a deviation must be finite and above 0', {
      details: { deviation },
    });
  }
  const mean = rowMoments(signals, models).mean;
  return { mean, deviation: new Float64Array(mean.length).fill(deviation) };
}

/**
 * One normal distribution per sample from its own models, as the reference has it: population deviation + 1e-30.
 * Meaningful from a few dozen models on; see the fault above.
 * @param signals row-major `[samples x models]`.
 */
export function gaussiansAsPublished(signals: ArrayLike<number>, models: number): Gaussians {
  const { mean, variance } = rowMoments(signals, models);
  return { mean, deviation: variance.map((value) => Math.sqrt(value) + PUBLISHED_DEVIATION_FLOOR) };
}

/**
 * A deviation for all samples: root of the mean variance within samples (unbiased) where there are several models,
 * else the deviation across samples, which is an upper bound. Samples with a NaN are left out.
 * @param signals row-major `[samples x models]`.
 * @throws IamError IAM_SCALE_DEGENERATE where that is not above 0.
 */
export function pooledDeviation(signals: ArrayLike<number>, models: number): number {
  const { mean, variance } = rowMoments(signals, models);
  const usable = mean.filter((value) => !Number.isNaN(value));
  if (usable.length > 0) {
    const withinSamples = variance.filter((value) => !Number.isNaN(value));
    const spread =
      models > 1
        ? average(withinSamples) * (models / (models - 1))
        : rowMoments(usable, usable.length).variance[0]!;
    if (spread > 0) return Math.sqrt(spread);
  }
  throw new IamError('IAM_SCALE_DEGENERATE', 'the signals have no spread; give more models or samples');
}

/**
 * LiRA offline: log density of the release's signal among models that never saw the sample.
 * @param target `[samples]`.
 * @returns `[samples]`, natural logarithms; NaN where a signal is not finite.
 */
export function liraOffline(target: Float64Array, out: Gaussians): Float64Array {
  requireSamples(target, out);
  return target.map((x, i) => logDensity(x, out, i));
}

/**
 * LiRA offline, one-sided (the reference's choice for class-wise requests): minus the OUT distribution function.
 * @returns `[samples]`, in [-1, 0]; NaN where a signal is not finite.
 */
export function liraOneSided(target: Float64Array, out: Gaussians): Float64Array {
  requireSamples(target, out);
  return target.map((x, i) => -distribution(x, out, i));
}

/**
 * LiRA online: ln(density among OUT models / density among IN models).
 * @param in_ from the original model: `gaussiansOf(original, 1, deviation)`.
 * @returns `[samples]`; NaN where a signal is not finite.
 */
export function liraOnline(target: Float64Array, out: Gaussians, in_: Gaussians): Float64Array {
  requireSamples(target, out);
  requireSamples(target, in_);
  return target.map((x, i) => logDensity(x, out, i) - logDensity(x, in_, i));
}

/**
 * update-LiRA (after Jagielski et al. 2023): how far the release fell, from the original model, in the OUT distribution.
 * @param original `[samples]`, signals of the model before unlearning.
 * @returns `[samples]`, in [-1, 1]; NaN where a signal is not finite.
 */
export function updateLira(target: Float64Array, original: Float64Array, out: Gaussians): Float64Array {
  requireSamples(target, out);
  requireSamples(original, out);
  return target.map((x, i) => distribution(original[i]!, out, i) - distribution(x, out, i));
}

function logDensity(x: number, { mean, deviation }: Gaussians, i: number): number {
  if (!Number.isFinite(x)) return NaN;
  const z = (x - mean[i]!) / deviation[i]!;
  return -0.5 * z * z - LOG_SQRT_TWO_PI - log(deviation[i]!);
}

function distribution(x: number, { mean, deviation }: Gaussians, i: number): number {
  return Number.isFinite(x) ? normalCdf((x - mean[i]!) / deviation[i]!) : NaN;
}

function rowMoments(
  signals: ArrayLike<number>,
  models: number,
): { mean: Float64Array; variance: Float64Array } {
  const samples = signals.length / models;
  if (!Number.isInteger(models) || models < 1 || !Number.isInteger(samples)) {
    throw new IamError('IAM_LENGTH_MISMATCH', 'signals must hold one value per sample and model', {
      details: { signals: signals.length, models },
    });
  }
  const mean = new Float64Array(samples);
  const variance = new Float64Array(samples);
  for (let i = 0; i < samples; i += 1) {
    let sum = 0;
    for (let m = 0; m < models; m += 1) sum += signals[i * models + m]!;
    // An infinite signal would give an infinite mean and, later, a score that looks like a number.
    mean[i] = Number.isFinite(sum) ? sum / models : NaN;
    let squares = 0;
    for (let m = 0; m < models; m += 1) squares += (signals[i * models + m]! - mean[i]!) ** 2;
    variance[i] = squares / models;
  }
  return { mean, variance };
}

function requireSamples(target: Float64Array, { mean }: Gaussians): void {
  if (target.length === mean.length) return;
  throw new IamError('IAM_LENGTH_MISMATCH', 'every sample needs one signal and one distribution', {
    details: { signals: target.length, distributions: mean.length },
  });
}
