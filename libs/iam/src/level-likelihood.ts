/**
 * The completeness score with any likelihood at the levels, as the paper's ablation compares them. Production uses
 * the frozen Gumbel score (score.ts); this is the plain definition, O(levels x shadows) per sample, for parity and
 * for choosing a likelihood. Signals grow with membership (classifiers). Proven by level-likelihood.spec.ts and
 * test/vectors/iam.
 */
import { average } from './average.js';
import { completenessOf, levelPositions, levelWeights } from './interpolation.js';
import { isSignal, SignalMoments } from './moments.js';
import { checkLevels } from './parameters.js';
import type { PooledScoreInput } from './pooled.js';
import { checkSignalShapes } from './score.js';

/** What the OUT models, moved to one level, say about one sample there. */
export interface LevelFit {
  /** The shadows' signals moved to this level, L = OUT + a (IN - OUT), `[shadows]`. */
  readonly signals: Float64Array;
  /** Mean of {@link signals}. */
  readonly mean: number;
  /** Standard deviation: over all shadows and samples, or of {@link signals} alone; may be 0. */
  readonly deviation: number;
}

/** F(target) in [0, 1]: the fitted probability of a signal no larger than `target`; never NaN. */
export type LevelLikelihood = (target: number, fit: LevelFit) => number;

export interface LikelihoodScoreInput extends Pick<
  PooledScoreInput,
  'target' | 'out' | 'shadows' | 'in_' | 'levels' | 'fixVariance'
> {
  readonly likelihood: LevelLikelihood;
}

/**
 * Completeness by any likelihood: 1 - sum_k a_{k+1} F_k / sum_k a_{k+1}.
 *
 * Where `fixVariance` is not false, or with a single shadow, a level's deviation is taken over all samples given.
 * @returns `[samples]`, in [0, 1], 1 = unlearned; NaN = unscorable, which touches no other sample.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_PARAMETER_OUT_OF_RANGE
 */
export function scoreByLikelihood(input: LikelihoodScoreInput): Float64Array {
  const { target, out, shadows, in_, levels, likelihood } = input;
  checkSignalShapes(input);
  checkLevels(levels);
  const positions = levelPositions(levels);
  const weights = levelWeights(levels);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);
  const shared = input.fixVariance === false && shadows > 1 ? undefined : sharedDeviations(input);
  return target.map((signal, sample) => {
    const own = out.subarray(sample * shadows, (sample + 1) * shadows);
    const in0 = typeof in_ === 'number' ? in_ : in_[sample]!;
    if (!isSignal(signal) || !isSignal(in0) || !own.every(isSignal)) return NaN;
    const sum = positions.reduce((total, position, k) => {
      const moved = own.map((value) => value + (in0 - value) * position);
      return total + weights[k]! * likelihood(signal, fitOf(moved, shared?.[k]));
    }, 0);
    return completenessOf(sum / totalWeight, 'probability');
  });
}

function sharedDeviations({ target, out, shadows, in_, levels }: LikelihoodScoreInput): Float64Array {
  const moments = new SignalMoments();
  for (let i = 0; i < target.length; i += 1) {
    moments.add(out.subarray(i * shadows, (i + 1) * shadows), typeof in_ === 'number' ? in_ : in_[i]!);
  }
  return moments.sigmaPerLevel(levels);
}

function fitOf(signals: Float64Array, shared: number | undefined): LevelFit {
  const mean = average(signals);
  const deviation = shared ?? Math.sqrt(average(signals.map((value) => (value - mean) ** 2)));
  return { signals, mean, deviation };
}
