/**
 * IAM scores as the reference computes them: the spread of each level is taken from the batch that is scored, so scores
 * depend on the company a sample is in. For parity with the published tables; verdicts rest on `scoreFrozen`.
 * Plain double exponentials, no table. Proven by pooled.spec.ts against the reference's outputs.
 */
import { completenessOf, levelPositions, levelWeights } from './interpolation.js';
import { IamError } from './errors.js';
import { LIKELIHOODS } from './likelihood.js';
import { SignalMoments } from './moments.js';
import { checkLevels, type Likelihood, type SignalKind } from './parameters.js';
import { checkSignalShapes, placeSamples } from './score.js';

/** What the reference adds to, or puts for, a spread of zero; `loss` is its `ip_ppl`. */
const LOSS_SIGMA_OFFSET = 1e-9;
const GUMBEL_ZERO_SIGMA = 1e-10;
const NORM_SIGMA_OFFSET = 1e-30;

export interface PooledScoreInput {
  /** Signals of the release under test `[samples]`; NaN where unusable. */
  readonly target: Float64Array;
  /** OUT signals, row-major `[samples x shadows]`; unlike the reference, all of them count, not the first 128. */
  readonly out: Float64Array;
  readonly shadows: number;
  /** IN signals `[samples]`, or one for all (offline). */
  readonly in_: Float64Array | number;
  readonly signalKind: SignalKind;
  readonly likelihood: Likelihood;
  /** K, an integer >= 2 (the reference takes 0 and 1 for 2). */
  readonly levels: number;
  /** True (default): one spread a level over the batch. False: each sample's own over its shadows; needs shadows > 1. */
  readonly fixVariance?: boolean;
  /** Consecutive samples that share a spread; all of them by default. */
  readonly batch?: number;
}

/**
 * Returns each sample's completeness in [0, 1], `[samples]`: 1 = behaves as if never trained on. For losses that is
 * 1 - `ip_ppl`. Formulas as in `scoreFrozen`, with sigma_k over the sample's batch (or its own shadows).
 *
 * Unlike the reference, an unusable sample gets NaN alone and is left out of its batch's spread, and a batch without any
 * spread gives the limit of a vanishing one: a step at each level, F(shift) at a tie.
 * @throws IAM_LENGTH_MISMATCH, IAM_PARAMETER_OUT_OF_RANGE
 */
export function scorePooled(input: PooledScoreInput): Float64Array {
  const { target, out, shadows, in_, levels, batch = Math.max(1, target.length) } = input;
  checkSignalShapes(input);
  checkLevels(levels);
  if (!Number.isInteger(batch) || batch < 1) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'batch must be a positive integer', {
      details: { batch },
    });
  }
  const scores = new Float64Array(target.length);
  for (let from = 0; from < target.length; from += batch) {
    const to = Math.min(from + batch, target.length);
    const slice = {
      ...input,
      target: target.subarray(from, to),
      out: out.subarray(from * shadows, to * shadows),
      in_: typeof in_ === 'number' ? in_ : in_.subarray(from, to),
    };
    scores.set(scoreBatch(slice), from);
  }
  return scores;
}

function scoreBatch(input: PooledScoreInput): Float64Array {
  const { target, shadows, signalKind, likelihood, levels } = input;
  const { distances, gaps } = placeSamples(input, signalKind);
  const positions = levelPositions(levels);
  const weights = levelWeights(levels);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  const sigmaOf = input.fixVariance === false && shadows > 1 ? ownSigma(input) : batchSigma(input);
  const { cdf, width, shift } = LIKELIHOODS[likelihood];
  return target.map((_, i) => {
    if (Number.isNaN(distances[i])) return NaN;
    let sum = 0;
    for (let k = 0; k < positions.length; k++) {
      const distance = distances[i]! - positions[k]! * gaps[i]!;
      sum += weights[k]! * cdf(distance / width(sigmaOf(i, k)) + shift);
    }
    return completenessOf(sum / totalWeight, signalKind);
  });
}

type SigmaOf = (sample: number, level: number) => number;

function batchSigma(input: PooledScoreInput): SigmaOf {
  const { target, out, shadows, in_, signalKind, likelihood, levels } = input;
  const moments = new SignalMoments();
  for (let i = 0; i < target.length; i++) {
    moments.add(out.subarray(i * shadows, (i + 1) * shadows), typeof in_ === 'number' ? in_ : in_[i]!);
  }
  const offset = signalKind === 'loss' ? LOSS_SIGMA_OFFSET : 0;
  const sigma = moments.sigmaPerLevel(levels, signalKind).map((s) => nonZero(s + offset, likelihood));
  return (_, level) => sigma[level]!;
}

/** A sample's IN is one number, so only OUT's share of the level spreads over the shadows. */
function ownSigma({ target, out, shadows, signalKind, likelihood, levels }: PooledScoreInput): SigmaOf {
  const positions = levelPositions(levels);
  const deviations = target.map((_, i) => deviation(out.subarray(i * shadows, (i + 1) * shadows)));
  return (sample, level) => {
    const share = signalKind === 'probability' ? 1 - positions[level]! : positions[level]!;
    return nonZero(share * deviations[sample]!, likelihood);
  };
}

function nonZero(sigma: number, likelihood: Likelihood): number {
  if (likelihood === 'norm') return sigma + NORM_SIGMA_OFFSET;
  return sigma === 0 ? GUMBEL_ZERO_SIGMA : sigma;
}

/** Population standard deviation. */
function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length);
}
