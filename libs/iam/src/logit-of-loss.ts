/**
 * The logit of a language model's loss, on which LiRA works there.
 * Proven by score-board.spec.ts and the `llm` family of test/vectors/iam.
 */
import { exp, log } from './elementary.js';

/** Guards ln(p / (1 - p + 1e-30)) at p = 1, as the reference does: a token sequence known for certain. */
const CERTAINTY_GUARD = 1e-30;

/**
 * ln(p / (1 - p + 1e-30)), p = e^-nll: what LiRA takes for a language model; larger = more like a member.
 * @param nll average token negative log-likelihood in nats, >= 0; NaN for a negative, infinite or missing one.
 */
export function logitOfLoss(nll: number): number {
  if (!(nll >= 0 && nll < Infinity)) return NaN;
  const p = exp(-nll);
  return log(p / (1 - p + CERTAINTY_GUARD));
}
