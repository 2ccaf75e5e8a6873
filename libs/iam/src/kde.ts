/** The kernel-density likelihood of the paper's ablation. Proven by level-likelihood.spec.ts and test/vectors/iam. */
import type { LevelLikelihood } from './level-likelihood.js';
import { normalCdf } from './normal.js';

/**
 * Mean of Phi((target - L_s) / h) over the shadows' signals L_s, bandwidth h = the level's deviation.
 * Fault `kde-zero-bandwidth`: at h = 0 the reference divides 0 by 0 where the target equals a signal and returns NaN;
 * here h = 0 is the limit h -> 0, a step: 0 below, 1/2 at and 1 above the signal.
 */
export const kernelLikelihood: LevelLikelihood = (target, { signals, deviation }) => {
  let sum = 0;
  for (let s = 0; s < signals.length; s += 1) {
    const distance = target - signals[s]!;
    sum += deviation > 0 ? normalCdf(distance / deviation) : (1 + Math.sign(distance)) / 2;
  }
  return sum / signals.length;
};
