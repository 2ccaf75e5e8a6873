/**
 * F(z) as a table of polynomials: one cubic for each 1/64 of z, with F and F' right at both ends (Hermite). Error below
 * max|F^(4)| h^4 / 384 = 2e-10 for both likelihoods, h = 1/64: a five-thousandth of a millionth. Built from + - * / alone, so the table
 * has the same bits everywhere. Proven by kernel.spec.ts.
 */
import { LIKELIHOODS } from './likelihood.js';
import type { Likelihood } from './parameters.js';

/** Cells per unit of z, a power of two so that scaling by it is exact. 32 would err by 2e-9, 128 leave the cache. */
export const CELLS_PER_UNIT = 64;

/** Coefficients of one cell, c0..c3 of sum c_i t^i, t in [0, 1). */
export const CELL_WIDTH = 4;

export interface KernelTable {
  /** `[cells + 1][4]`: first cell constant 0, last (at `cells`) constant 1, so far-out signals score exactly 0 or 1. */
  readonly coefficients: Float64Array;
  /** Index of the last cell; table coordinates are clamped to [0, lastCell]. */
  readonly lastCell: number;
  /** Table coordinate of a target whose signal is exactly the level's mean. */
  readonly origin: number;
}

const TABLES = new Map<Likelihood, KernelTable>();

/** Returns the table of a likelihood; built once, a few milliseconds. */
export function kernelTable(likelihood: Likelihood): KernelTable {
  const table = TABLES.get(likelihood) ?? buildTable(likelihood);
  TABLES.set(likelihood, table);
  return table;
}

function buildTable(likelihood: Likelihood): KernelTable {
  const { lowest, highest, shift, withSlope } = LIKELIHOODS[likelihood];
  const lastCell = (highest - lowest) * CELLS_PER_UNIT;
  const coefficients = new Float64Array((lastCell + 1) * CELL_WIDTH);
  for (let cell = 1; cell < lastCell; cell++) {
    const left = withSlope(lowest + cell / CELLS_PER_UNIT);
    const right = withSlope(lowest + (cell + 1) / CELLS_PER_UNIT);
    coefficients.set(hermite(left, right), cell * CELL_WIDTH);
  }
  coefficients[lastCell * CELL_WIDTH] = 1;
  return { coefficients, lastCell, origin: (shift - lowest) * CELLS_PER_UNIT };
}

/** The cubic in t = (z - z0)/h with given value and slope (per z) at t = 0 and t = 1. */
function hermite(left: readonly [number, number], right: readonly [number, number]): number[] {
  const [f0, d0] = [left[0], left[1] / CELLS_PER_UNIT];
  const [f1, d1] = [right[0], right[1] / CELLS_PER_UNIT];
  const rise = f1 - f0;
  return [f0, d0, 3 * rise - 2 * d0 - d1, d0 + d1 - 2 * rise];
}
