/** The Beta likelihood of the paper's ablation. Proven by level-likelihood.spec.ts and test/vectors/iam. */
import { regularizedIncompleteBeta } from './incomplete-beta.js';
import type { LevelLikelihood } from './level-likelihood.js';

/**
 * The reference's floor under variances, means' distance from 0 and 1, and shapes. Smaller floors make shapes so
 * large that the distribution function loses its digits; larger ones flatten levels of real data.
 */
const FLOOR = 1e-10;

/**
 * Distribution function at `target` of the Beta distribution with the level's mean and variance (method of moments).
 * Signals must be normalised to [0, 1]; outside, the distribution function is 0 or 1.
 */
export const betaLikelihood: LevelLikelihood = (target, { mean, deviation }) => {
  const variance = deviation === 0 ? FLOOR : deviation * deviation;
  const centre = Math.min(1 - FLOOR, Math.max(FLOOR, mean));
  const size = Math.max(FLOOR, (centre * (1 - centre)) / variance - 1);
  return regularizedIncompleteBeta(
    target,
    Math.max(FLOOR, centre * size),
    Math.max(FLOOR, (1 - centre) * size),
  );
};
