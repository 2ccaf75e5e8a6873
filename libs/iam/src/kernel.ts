/**
 * The one evaluation behind every attested score: for each sample the weighted mean over the levels of F(z_k), F from
 * kernel-table.ts. Only + - * /, floor, min and max, in a fixed order: the same bits on every platform, however the
 * samples are cut into batches. The definition it stands for (two exponentials for each level) is its oracle in
 * kernel.spec.ts and in the bench.
 */
import type { KernelLevels } from './kernel-levels.js';
import { simdKernel } from './kernel-simd.js';
import { CELL_WIDTH } from './kernel-table.js';

/**
 * Returns sum_k w_k F((distance - a_k gap) / width_k + shift) / sum_k w_k for each sample `[samples]`, NaN where an
 * input is NaN.
 * @param distances target's signal less the START signal, `[samples]`
 * @param gaps END signal less START signal, `[samples]`
 */
export function kernelMeans(distances: Float64Array, gaps: Float64Array, levels: KernelLevels): Float64Array {
  if (simdKernel === null) return scalarMeans(distances, gaps, levels);
  const means = new Float64Array(distances.length);
  simdKernel.means(distances, gaps, levels, means);
  return means;
}

/** {@link kernelMeans} in TypeScript, a third as fast: for processors without vector instructions, and the other's proof. */
export function scalarMeans(distances: Float64Array, gaps: Float64Array, levels: KernelLevels): Float64Array {
  return distances.map((distance, i) => sampleMean(distance, gaps[i]!, levels));
}

/** Even and odd coefficients are summed apart, as the two lanes of the WebAssembly kernel do. */
function sampleMean(distance: number, gap: number, levels: KernelLevels): number {
  if (Number.isNaN(distance) || Number.isNaN(gap)) return NaN;
  const { rows, count, totalWeight, table } = levels;
  const { coefficients, lastCell, origin } = table;
  let even = 0;
  let odd = 0;
  for (let row = 0; row < 3 * count; row += 3) {
    const raw = (distance - rows[row]! * gap) * rows[row + 1]! + origin;
    const place = Math.min(Math.max(raw, 0), lastCell);
    const cell = Math.floor(place);
    const t = place - cell;
    const square = t * t;
    const weight = rows[row + 2]!;
    const c = cell * CELL_WIDTH;
    even += weight * (coefficients[c]! + square * coefficients[c + 2]!);
    odd += weight * t * (coefficients[c + 1]! + square * coefficients[c + 3]!);
  }
  return (even + odd) / totalWeight;
}
