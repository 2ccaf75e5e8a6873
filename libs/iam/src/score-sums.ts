/** Scores as the integers they are attested as, so that sums are exact in any order. Proven by group-evidence.spec.ts. */
import { toMillionths } from './millionths.js';

/** Divides a sum of {@link scoredMillionths} back to the scale of scores. */
export const MILLIONTHS = 1e6;

/**
 * The scores in millionths, in input order; NaN (unscorable) is left out.
 * @throws IAM_SCORE_INVALID for a score outside [0, 1]
 */
export const scoredMillionths = (scores: Float64Array): Float64Array =>
  scores.filter((score) => !Number.isNaN(score)).map(toMillionths);

/** Exact while the total stays below 2^53: nine billion scores in millionths. */
export const sumOf = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
