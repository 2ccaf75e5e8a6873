import { IamError } from './errors.js';

/**
 * Returns the score as an attested integer, 0..1,000,000: floor(score * 1,000,000 + 0.5), that is to the nearest, halves
 * up. One multiplication, one addition and floor: the same on every platform.
 * @param score in [0, 1]
 * @throws IAM_SCORE_INVALID for anything else: an unscorable sample (NaN) has no number, it has a verdict
 */
export function toMillionths(score: number): number {
  if (score >= 0 && score <= 1) return Math.floor(score * 1_000_000 + 0.5);
  throw new IamError('IAM_SCORE_INVALID', 'a score must lie in [0, 1]; an unscorable sample has none');
}
