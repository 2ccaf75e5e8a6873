/**
 * Returns the average token loss of a text in nats, >= 0: -mean of the log-probabilities of its tokens at positions 1 to
 * T-1, each given all tokens before it. Position 0 has nothing before it and does not count, whatever a server says about
 * it. Smaller = more like a member. NaN where the text has no second token, or some log-probability is not finite.
 * Proven by token-loss.spec.ts.
 * @param logProbabilities natural logarithms `[T]`, each <= 0 but for rounding
 */
export function averageTokenLoss(logProbabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let position = 1; position < logProbabilities.length; position++) {
    const value = logProbabilities[position]!;
    if (!(value > IMPOSSIBLE) || value > ROUNDING) return NaN;
    sum += Math.min(value, 0);
  }
  const loss = -sum / (logProbabilities.length - 1);
  return logProbabilities.length > 1 ? Math.max(loss, 0) : NaN;
}

/** vLLM writes -infinity as -9999, since JSON has no infinity: a mark, not a measurement. */
const IMPOSSIBLE = -9999;
/** log-softmax in 16-bit floats can end this far above 0; more is no log-probability. */
const ROUNDING = 1e-2;
