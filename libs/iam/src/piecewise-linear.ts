/** Piecewise-linear functions given by their vertices. Proven through roc.spec.ts and hard-attacks.spec.ts. */

/**
 * Value at `at` of the line through the vertices (x, y); constant beyond the ends.
 * @param x ascending, at least one vertex; where x repeats (a vertical step), the last of the repeats counts.
 * @param y as long as x.
 */
export function piecewiseLinear(x: ArrayLike<number>, y: ArrayLike<number>, at: number): number {
  if (at < x[0]!) return y[0]!;
  let low = 0;
  let high = x.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (x[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  if (low === x.length - 1 || x[low] === at) return y[low]!;
  const slope = (y[low + 1]! - y[low]!) / (x[low + 1]! - x[low]!);
  return slope * (at - x[low]!) + y[low]!;
}
