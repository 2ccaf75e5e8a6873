import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactSum, ratio } from './exact-sum.js';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 });

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum;
}

describe('ExactSum', () => {
  it('keeps what plain addition loses', () => {
    expect(sumOf([1e100, 1, -1e100]).toJSON()).toEqual([1]);
    expect(sumOf(Array<number>(10).fill(0.1)).toJSON()[0]).toBe(1);
    expect(sumOf([]).toJSON()).toEqual([]);
  });

  it('is the same in any order and any sharding, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(finite, { maxLength: 40 }), fc.nat(), fc.nat(40), (values, seed, cut) => {
        const whole = sumOf(values);
        const shuffled = [...values].sort((a, b) => Math.sin(seed + a) - Math.sin(seed + b));
        const left = sumOf(shuffled.slice(0, cut));
        left.merge(sumOf(shuffled.slice(cut)));
        expect(JSON.stringify(left)).toBe(JSON.stringify(whole));
        expect(ExactSum.fromJSON(whole.toJSON()).toScaledInteger()).toBe(whole.toScaledInteger());
      }),
    );
  });

  it('adds products exactly', () => {
    const moderate = fc.double({ noNaN: true, min: 1e-6, max: 1e6 });
    fc.assert(
      fc.property(moderate, moderate, (a, b) => {
        const product = new ExactSum();
        product.addProduct(a, -b);
        const scale = 1n << 1074n;
        const exact = sumOf([a]).toScaledInteger() * sumOf([-b]).toScaledInteger();
        expect(product.toScaledInteger() * scale).toBe(exact);
      }),
    );
  });

  it('may be merged with itself', () => {
    const sum = sumOf([0.1, 0.7]);
    sum.merge(sum);
    expect(sum.toScaledInteger()).toBe(2n * sumOf([0.1, 0.7]).toScaledInteger());
  });
});

describe('ratio', () => {
  it('rounds like the processor', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (a, b) => {
        expect(ratio(BigInt(a), BigInt(b)) === a / b).toBe(true);
      }),
    );
    expect(ratio(1n, 1n << 1074n)).toBe(5e-324);
  });
});
