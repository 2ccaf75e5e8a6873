/**
 * The distribution of signals at one level, as a function of the standardised distance of the target's signal from the
 * level: F(z), z = (r - m) / width + shift. Gumbel by the method of moments (b = sqrt(6) sigma / pi, location m - 0.5772 b)
 * or normal (b = sigma).
 */
import { exp } from './elementary.js';
import { normalCdf, normalDensity } from './normal.js';
import type { Likelihood } from './parameters.js';

/** sqrt(6) / pi: scale of a Gumbel distribution over its standard deviation. */
const GUMBEL_WIDTH = Math.sqrt(6) / Math.PI;

/** Euler's constant in the four digits of the reference; more digits would move every score away from the paper's. */
const EULER = 0.5772;

export interface LikelihoodShape {
  /** Standardised distance at r = m. */
  readonly shift: number;
  /** Returns the unit of distance for a standard deviation. */
  readonly width: (sigma: number) => number;
  /** Returns F(z) in [0, 1]. */
  readonly cdf: (z: number) => number;
  /** Returns F(z) and F'(z). */
  readonly withSlope: (z: number) => readonly [number, number];
  /** F is 0 below and 1 above to the last bit of a score; a wider table would be slower for nothing. */
  readonly lowest: number;
  readonly highest: number;
}

const gumbel: LikelihoodShape = {
  shift: EULER,
  width: (sigma) => GUMBEL_WIDTH * sigma,
  cdf: (z) => exp(-exp(-z)),
  withSlope: (z) => {
    const u = exp(-z);
    const f = exp(-u);
    return [f, f * u];
  },
  lowest: -4,
  highest: 37,
};

const norm: LikelihoodShape = {
  shift: 0,
  width: (sigma) => sigma,
  cdf: normalCdf,
  withSlope: (z) => [normalCdf(z), normalDensity(z)],
  lowest: -9,
  highest: 9,
};

export const LIKELIHOODS: Readonly<Record<Likelihood, LikelihoodShape>> = { gumbel, norm };
