/**
 * The line of levels between "never trained on" and "a member" (Wang et al. 2025, section 4.2): level k sits at
 * a_k = k/(K-1) between START and END, the last one (a = 1) is dropped, and level k counts with weight a_{k+1}.
 * Classifiers start at OUT and end at IN; language models, as published, start at IN and end at OUT.
 */
import type { SignalKind } from './parameters.js';

/** Returns a_k = k/(K-1), k = 0..K-2: `[levels - 1]`, rising from 0 to below 1. */
export function levelPositions(levels: number): Float64Array {
  return Float64Array.from({ length: levels - 1 }, (_, k) => k / (levels - 1));
}

/** Returns a_{k+1}, k = 0..K-2: `[levels - 1]`, the weight of each level, rising to 1. Not normalised. */
export function levelWeights(levels: number): Float64Array {
  return Float64Array.from({ length: levels - 1 }, (_, k) => (k + 1) / (levels - 1));
}

/**
 * Returns the completeness (1 = behaves as never trained on) of a weighted mean of level probabilities F.
 * Classifier: the signal falls with unlearning, so completeness = 1 - mean. Language model: it rises, so it is the mean.
 * @param mean sum_k a_{k+1} F_k / sum_k a_{k+1}; clipped to [0, 1], which it can leave by rounding only
 */
export function completenessOf(mean: number, signalKind: SignalKind): number {
  const clipped = Math.min(1, Math.max(0, mean));
  return signalKind === 'probability' ? 1 - clipped : clipped;
}
