/**
 * exp and log built from IEEE 754 + - * / alone, so that every engine, processor and WebAssembly runtime returns the
 * same 64 bits (ECMAScript leaves the last bits of Math.exp and Math.log to the engine, and engines differ).
 * Error below 2 ulp. Proven by elementary.spec.ts.
 */

/** ln 2 in two parts; the first has 21 trailing zero bits, so that `k * LN2_HIGH` is exact for |k| < 2^11. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const LOG2_E = 1.4426950408889634;

/** Below this exp underflows to 0, above it overflows to Infinity (and the table below would be left). */
const EXP_UNDERFLOW = -745.2;
const EXP_OVERFLOW = 709.79;

/** 1/n! for n = 13 .. 0: with |r| <= ln(2)/2 the first dropped term is below 5e-18; one fewer shows in the last bit. */
const EXP_COEFFICIENTS = reciprocalFactorials(13);

/** 1/(2n+1) for n = 12 .. 0: with |s| <= 0.1716 the first dropped term of atanh is below 3e-21 relative. */
const ATANH_COEFFICIENTS = Float64Array.from({ length: 13 }, (_, i) => 1 / (2 * (12 - i) + 1));

/** 2^k for k = -540 .. 540: two factors reach every exponent of a double. */
const HALF_RANGE = 540;
const POWERS_OF_TWO = powersOfTwo();

const SQRT_HALF = 0.7071067811865476;
const TWO_POW_54 = 18014398509481984;

/**
 * Returns e^x.
 * @param x any number; NaN gives NaN, -Infinity 0, Infinity Infinity
 */
export function exp(x: number): number {
  if (!(x > EXP_UNDERFLOW)) return x === x ? 0 : NaN;
  if (x > EXP_OVERFLOW) return Infinity;
  const k = Math.floor(x * LOG2_E + 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 0;
  for (let i = 0; i < EXP_COEFFICIENTS.length; i++) sum = sum * r + EXP_COEFFICIENTS[i]!;
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
  const subnormal = x < 2.2250738585072014e-308;
  VIEW.setFloat64(0, subnormal ? x * TWO_POW_54 : x);
  const high = VIEW.getUint32(0);
  let exponent = (high >>> 20) - 1022 - (subnormal ? 54 : 0);
  VIEW.setUint32(0, (high & 0x000fffff) | 0x3fe00000);
  let mantissa = VIEW.getFloat64(0);
  if (mantissa < SQRT_HALF) {
    mantissa *= 2;
    exponent -= 1;
  }
  const f = mantissa - 1;
  const s = f / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let i = 0; i < ATANH_COEFFICIENTS.length - 1; i++) sum = (sum + ATANH_COEFFICIENTS[i]!) * square;
  // ln(m) = 2s + 2s * sum, and 2s = f - s*f: written around the exact f, so that log keeps its last bits near 1.
  const correction = s * (2 * sum - f);
  return exponent * LN2_HIGH + (exponent * LN2_LOW + correction + f);
}

function reciprocalFactorials(highest: number): Float64Array {
  const coefficients = new Float64Array(highest + 1);
  let factorial = 1;
  for (let n = 0; n <= highest; n++) {
    if (n > 0) factorial *= n;
    coefficients[highest - n] = 1 / factorial;
  }
  return coefficients;
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
