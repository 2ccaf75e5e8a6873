/** What the kernel of kernel.ts reads besides the samples. */
import { levelPositions, levelWeights } from './interpolation.js';
import { CELLS_PER_UNIT, kernelTable, type KernelTable } from './kernel-table.js';
import { LIKELIHOODS } from './likelihood.js';
import type { Likelihood } from './parameters.js';

/** What the kernel needs of each level, three numbers in a row `[levels - 1][3]`: a_k, table cells per signal, weight. */
export interface KernelLevels {
  readonly rows: Float64Array;
  readonly count: number;
  readonly totalWeight: number;
  readonly table: KernelTable;
}

/** Prepares the levels for a spread `sigma` `[levels - 1]`, each positive and finite. */
export function kernelLevels(sigma: Float64Array, likelihood: Likelihood): KernelLevels {
  const count = sigma.length;
  const positions = levelPositions(count + 1);
  const weights = levelWeights(count + 1);
  const { width } = LIKELIHOODS[likelihood];
  const rows = new Float64Array(count * 3);
  let totalWeight = 0;
  for (let k = 0; k < count; k++) {
    rows[3 * k] = positions[k]!;
    rows[3 * k + 1] = CELLS_PER_UNIT / width(sigma[k]!);
    rows[3 * k + 2] = weights[k]!;
    totalWeight += weights[k]!;
  }
  return { rows, count, totalWeight, table: kernelTable(likelihood) };
}
