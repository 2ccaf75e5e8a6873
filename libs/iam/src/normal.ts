/**
 * The standard normal distribution function from + - * / and {@link exp} alone: same bits on every platform.
 * Proven by normal.spec.ts.
 */
import { exp } from './elementary.js';

const INVERSE_SQRT_TWO_PI = 0.3989422804014327;

/** The series needs fewer terms below, the continued fraction below its 60 terms is exact above. */
const SERIES_LIMIT = 3;
const FRACTION_TERMS = 60;

/**
 * Returns Phi(z) = P(Z <= z), Z ~ N(0, 1), in [0, 1]; absolute error below 1e-15, relative error of the lower tail
 * below 1e-13.
 * @param z any number; NaN gives NaN
 */
export function normalCdf(z: number): number {
  if (z < -SERIES_LIMIT) return upperTail(-z);
  if (z > SERIES_LIMIT) return 1 - upperTail(z);
  return 0.5 + normalDensity(z) * oddSeries(z);
}

/** Returns phi(z), the density of N(0, 1). */
export function normalDensity(z: number): number {
  return INVERSE_SQRT_TWO_PI * exp(-0.5 * z * z);
}

/** z + z^3/3 + z^5/(3*5) + ... = (Phi(z) - 1/2) / phi(z): all terms have one sign, so nothing cancels. */
function oddSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term = (term * z * z) / n;
    sum += term;
  }
  return sum;
}

/** Laplace's continued fraction of Mills' ratio, from the inside out, for z >= SERIES_LIMIT. */
function upperTail(z: number): number {
  let fraction = z;
  for (let n = FRACTION_TERMS; n >= 1; n--) fraction = z + n / fraction;
  return normalDensity(z) / fraction;
}
