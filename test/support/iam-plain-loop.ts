/**
 * The definition of the frozen score as a plain float64 loop, two Math.exp for each level: the oracle of the kernel in
 * libs/iam and the other side of the bench's ratio. Not for production: its last bits depend on the engine.
 */
const GUMBEL_WIDTH = Math.sqrt(6) / Math.PI;

/**
 * Returns completeness `[samples]` of a classifier's signals with one shadow, Gumbel likelihood.
 * @param sigma spread of each level `[levels - 1]`
 */
export function plainLoopScores(
  target: Float64Array,
  out: Float64Array,
  in_: Float64Array,
  sigma: Float64Array,
): Float64Array {
  const last = sigma.length;
  const scale = sigma.map((s) => GUMBEL_WIDTH * s);
  let totalWeight = 0;
  for (let k = 0; k < last; k++) totalWeight += (k + 1) / last;
  const scores = new Float64Array(target.length);
  for (let i = 0; i < target.length; i++) {
    let sum = 0;
    for (let k = 0; k < last; k++) {
      const mean = out[i]! + (k / last) * (in_[i]! - out[i]!);
      const location = mean - 0.5772 * scale[k]!;
      sum += ((k + 1) / last) * Math.exp(-Math.exp(-(target[i]! - location) / scale[k]!));
    }
    scores[i] = 1 - sum / totalWeight;
  }
  return scores;
}
