/**
 * exp and log built from IEEE 754 + - * / alone, so that every engine, processor and WebAssembly runtime returns the
 * same 64 bits (ECMAScript leaves the last bits of Math.exp and Math.log to the engine, and engines differ).
 * Error below 2 ulp. Proven by elementary.spec.ts.
 */

/** ln 2 in two parts; the first has 21 trailing zero bits, so that `k * LN2_HIGH` is exact for |k| < 2^11. */
export const LN2_HIGH = 0.6931471803691238;
export const LN2_LOW = 1.9082149292705877e-10;
export const LOG2_E = 1.4426950408889634;

/** Below this exp underflows to 0, above it overflows to Infinity (and the table below would be left). */
const EXP_UNDERFLOW = -745.2;
const EXP_OVERFLOW = 709.79;

/** 1/n!, n = 2 .. 13: with |r| <= ln(2)/2 the first dropped term is below 5e-18; one fewer shows in the last bit. */
const [E2, E3, E4, E5, E6, E7] = [1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040];
const [E8, E9, E10, E11] = [1 / 40320, 1 / 362880, 1 / 3628800, 1 / 39916800];
const [E12, E13] = [1 / 479001600, 1 / 6227020800];
/** 1/n! from n = 13 down to 0: what {@link exp} adds up, in its order. */
export const EXP_COEFFICIENTS = [E13, E12, E11, E10, E9, E8, E7, E6, E5, E4, E3, E2, 1, 1] as const;

/** 1/(2n+1), n = 1 .. 12: with |s| <= 0.1716 the first dropped term of atanh is below 3e-21 relative. */
const [A1, A2, A3, A4, A5, A6] = [1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13];
const [A7, A8, A9, A10, A11, A12] = [1 / 15, 1 / 17, 1 / 19, 1 / 21, 1 / 23, 1 / 25];

/** 2^k for k = -540 .. 540: two factors reach every exponent of a double. */
const HALF_RANGE = 540;
const POWERS_OF_TWO = powersOfTwo();

const SQRT_HALF = 0.7071067811865476;
const TWO_POW_54 = 18014398509481984;
const SMALLEST_NORMAL = 2.2250738585072014e-308;

/**
 * Returns e^x.
 * @param x any number; NaN gives NaN, -Infinity 0, Infinity Infinity
 */
export function exp(x: number): number {
  if (!(x > EXP_UNDERFLOW)) return x === x ? 0 : NaN;
  if (x > EXP_OVERFLOW) return Infinity;
  const k = Math.floor(x * LOG2_E + 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  const high = (((((E13 * r + E12) * r + E11) * r + E10) * r + E9) * r + E8) * r + E7;
  const sum = ((((((high * r + E6) * r + E5) * r + E4) * r + E3) * r + E2) * r + 1) * r + 1;
  const half = k < 0 ? Math.ceil(k / 2) : Math.floor(k / 2);
  return sum * POWERS_OF_TWO[half + HALF_RANGE]! * POWERS_OF_TWO[k - half + HALF_RANGE]!;
}

const VIEW = new DataView(new ArrayBuffer(8));

/**
 * Returns the natural logarithm of x.
 * @param x any number; negative or NaN gives NaN, 0 gives -Infinity, Infinity gives Infinity
 */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;
  const normal = x < SMALLEST_NORMAL ? x * TWO_POW_54 : x;
  VIEW.setFloat64(0, normal);
  const biased = (VIEW.getUint32(0) >>> 20) - 1022;
  // normal / 2^biased in [0.5, 1), exactly; writing the exponent's bits instead would stall on the store.
  const half = biased >> 1;
  let mantissa = normal * POWERS_OF_TWO[HALF_RANGE - half]! * POWERS_OF_TWO[HALF_RANGE - biased + half]!;
  let exponent = normal === x ? biased : biased - 54;
  if (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  const f = mantissa - 1;
  const s = f / (mantissa + 1);
  const square = s * s;
  const tail =
    (((((A12 * square + A11) * square + A10) * square + A9) * square + A8) * square + A7) * square + A6;
  const sum = (((((tail * square + A5) * square + A4) * square + A3) * square + A2) * square + A1) * square;
  // ln(m) = 2s + 2s * sum, and 2s = f - s*f: written around the exact f, so that log keeps its last bits near 1.
  const correction = s * (2 * sum - f);
  return exponent * LN2_HIGH + (exponent * LN2_LOW + correction + f);
}

function powersOfTwo(): Float64Array {
  const powers = new Float64Array(2 * HALF_RANGE + 1);
  powers[HALF_RANGE] = 1;
  for (let k = 1; k <= HALF_RANGE; k++) {
    powers[HALF_RANGE + k] = powers[HALF_RANGE + k - 1]! * 2;
    powers[HALF_RANGE - k] = powers[HALF_RANGE - k + 1]! / 2;
  }
  return powers;
}
