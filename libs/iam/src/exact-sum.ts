/**
 * Sums of doubles and of their products without any rounding, so that the total does not depend on the order, the
 * sharding or the batching of what was added (Shewchuk 1997, "Adaptive precision floating-point arithmetic": a sum is
 * kept as a short list of doubles that do not overlap). Rounded only once, when it is read. Proven by exact-sum.spec.ts.
 */

/** Splits a double into two halves of 26 bits whose products are exact (Dekker 1971). */
const SPLITTER = 134217729;

/** Every finite double is an integer times 2^-1074. */
const LOWEST_EXPONENT = 1074;

export class ExactSum {
  /** Increasing in magnitude, no two overlapping; the sum is their exact total. */
  private parts: number[] = [];

  /** Adds a finite number; about three additions for values of similar size. */
  add(value: number): void {
    const parts = this.parts;
    let kept = 0;
    let x = value;
    for (let i = 0; i < parts.length; i++) {
      const y = parts[i]!;
      const high = x + y;
      const virtual = high - x;
      const low = x - (high - virtual) + (y - virtual);
      if (low !== 0) parts[kept++] = low;
      x = high;
    }
    parts.length = kept;
    if (x !== 0) parts.push(x);
  }

  /** Adds a*b exactly; a and b are 0 or of magnitude 2^-400 .. 2^400, so that no part of the product is lost. */
  addProduct(a: number, b: number): void {
    const product = a * b;
    const aHigh = a * SPLITTER - (a * SPLITTER - a);
    const aLow = a - aHigh;
    const bHigh = b * SPLITTER - (b * SPLITTER - b);
    const bLow = b - bHigh;
    this.add(product);
    this.add(aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow));
  }

  /** Adds everything another sum holds. */
  merge(other: ExactSum): void {
    for (const part of [...other.parts]) this.add(part);
  }

  /** Returns the sum as an integer numerator over 2^1074. */
  toScaledInteger(): bigint {
    return this.parts.reduce((total, part) => total + scaledInteger(part), 0n);
  }

  /** Returns the sum, correctly rounded. */
  toNumber(): number {
    return ratio(this.toScaledInteger(), 1n << BigInt(LOWEST_EXPONENT));
  }

  /** Returns the one shortest list of doubles, largest first, that stands for this sum: equal sums, equal bytes. */
  toJSON(): number[] {
    const list: number[] = [];
    let rest = this.toScaledInteger();
    while (rest !== 0n) {
      const nearest = ratio(rest, 1n << BigInt(LOWEST_EXPONENT));
      list.push(nearest);
      rest -= scaledInteger(nearest);
    }
    return list;
  }

  static fromJSON(parts: readonly number[]): ExactSum {
    const sum = new ExactSum();
    for (const part of parts) sum.add(part);
    return sum;
  }
}

/** Returns value * 2^1074, exactly; `value` is finite. */
function scaledInteger(value: number): bigint {
  VIEW.setFloat64(0, value);
  const bits = VIEW.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1);
  return bits >> 63n ? -magnitude : magnitude;
}

const VIEW = new DataView(new ArrayBuffer(8));

/**
 * Returns the double nearest to numerator / denominator (ties to even).
 * @param denominator positive
 */
export function ratio(numerator: bigint, denominator: bigint): number {
  if (numerator < 0n) return -ratio(-numerator, denominator);
  if (numerator === 0n) return 0;
  // At least 64 quotient bits and a sticky bit: Number() then rounds once, and correctly.
  const shift = Math.max(0, 66 + bitLength(denominator) - bitLength(numerator));
  const scaled = numerator << BigInt(shift);
  const quotient = scaled / denominator;
  const sticky = quotient * denominator === scaled ? 0n : 1n;
  return scaleDown(Number((quotient << 1n) | sticky), shift + 1);
}

/** value / 2^shift in steps that a double can hold; exact unless the result is subnormal. */
function scaleDown(value: number, shift: number): number {
  let scaled = value;
  for (let left = shift; left > 0; left -= 1000) scaled /= 2 ** Math.min(left, 1000);
  return scaled;
}

function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}
