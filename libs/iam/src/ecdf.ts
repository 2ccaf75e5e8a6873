/** The empirical likelihood of the paper's ablation. Proven by test/vectors/iam. */
import type { LevelLikelihood } from './level-likelihood.js';

/** The share of the shadows' signals at this level that are <= target: a step function, in steps of 1/shadows. */
export const empiricalLikelihood: LevelLikelihood = (target, { signals }) => {
  let atMost = 0;
  for (let s = 0; s < signals.length; s += 1) if (signals[s]! <= target) atMost += 1;
  return atMost / signals.length;
};
