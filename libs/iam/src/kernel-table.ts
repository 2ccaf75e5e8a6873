/**
 * F(z) as a table of polynomials: one quintic for each sixteenth of z, with F, F' and F'' right at both ends (Hermite).
 * Error below max|F^(6)| h^6 / (720 * 64) = 4e-11 for both likelihoods, h = 1/16. Built from + - * / alone, so the table
 * has the same bits everywhere. Proven by kernel.spec.ts.
 */
import { LIKELIHOODS } from './likelihood.js';
import type { Likelihood } from './parameters.js';

/** Cells per unit of z, a power of two (so that scaling by it is exact). 8 would leave 3e-9, 32 the processor's cache. */
export const CELLS_PER_UNIT = 16;

/** Coefficients of one cell, c0..c5 of sum c_i t^i, t in [0, 1). */
export const CELL_WIDTH = 6;

export interface KernelTable {
  /** `[cells + 1][6]`: first cell constant 0, last (at `cells`) constant 1, so far-out signals score exactly 0 or 1. */
  readonly coefficients: Float64Array;
  /** Index of the last cell; table coordinates are clamped to [0, lastCell]. */
  readonly lastCell: number;
  /** Table coordinate of a target whose signal is exactly the level's mean. */
  readonly origin: number;
}

const TABLES = new Map<Likelihood, KernelTable>();

/** Returns the table of a likelihood; built once, about a millisecond. */
export function kernelTable(likelihood: Likelihood): KernelTable {
  const table = TABLES.get(likelihood) ?? buildTable(likelihood);
  TABLES.set(likelihood, table);
  return table;
}

function buildTable(likelihood: Likelihood): KernelTable {
  const { lowest, highest, shift, derivatives } = LIKELIHOODS[likelihood];
  const lastCell = (highest - lowest) * CELLS_PER_UNIT;
  const coefficients = new Float64Array((lastCell + 1) * CELL_WIDTH);
  for (let cell = 1; cell < lastCell; cell++) {
    const left = derivatives(lowest + cell / CELLS_PER_UNIT);
    const right = derivatives(lowest + (cell + 1) / CELLS_PER_UNIT);
    coefficients.set(hermite(left, right), cell * CELL_WIDTH);
  }
  coefficients[lastCell * CELL_WIDTH] = 1;
  return { coefficients, lastCell, origin: (shift - lowest) * CELLS_PER_UNIT };
}

/** The quintic in t = (z - z0)/h with given value, slope and curvature (per z) at t = 0 and t = 1. */
function hermite(
  left: readonly [number, number, number],
  right: readonly [number, number, number],
): number[] {
  const h = 1 / CELLS_PER_UNIT;
  const [f0, d0, s0] = [left[0], left[1] * h, left[2] * h * h];
  const [f1, d1, s1] = [right[0], right[1] * h, right[2] * h * h];
  const rise = f1 - f0;
  return [
    f0,
    d0,
    s0 / 2,
    10 * rise - 6 * d0 - 4 * d1 - 1.5 * s0 + 0.5 * s1,
    -15 * rise + 8 * d0 + 7 * d1 + 1.5 * s0 - s1,
    6 * rise - 3 * d0 - 3 * d1 - 0.5 * s0 + 0.5 * s1,
  ];
}
