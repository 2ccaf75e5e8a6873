import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rmiaOffline, rmiaOnline } from './rmia.js';

const signal = fc.double({ min: 0.001, max: 1, noNaN: true });
const one = fc.tuple(signal, signal, signal);
const cases = fc.tuple(
  fc.array(one, { minLength: 1, maxLength: 20 }),
  fc.array(one, { minLength: 1, maxLength: 20 }),
);

function signalsOf(rows: readonly (readonly [number, number, number])[]) {
  return {
    target: rows.map(([target]) => target),
    out: rows.map(([, out]) => out),
    in: rows.map(([, , in_]) => in_),
    shadows: 1,
  };
}

describe('rmia', () => {
  it('online: counts the pairs whose ratio exceeds gamma', () => {
    fc.assert(
      fc.property(cases, ([samples, population]) => {
        const ratio = ([target, out, in_]: readonly [number, number, number]) => target / ((out + in_) / 2);
        const expected = samples.map((x) => {
          const dominated = population.filter((z) => ratio(x) * (1 / ratio(z)) > 2);
          return 1 - dominated.length / population.length;
        });
        expect([...rmiaOnline(signalsOf(samples), signalsOf(population))]).toEqual(expected);
      }),
    );
  });

  it('offline: shrinks the OUT mean towards 1 by a', () => {
    fc.assert(
      fc.property(cases, fc.double({ min: 0, max: 1, noNaN: true }), ([samples, population], a) => {
        const ratio = ([target, out]: readonly [number, number, number]) =>
          target / (((1 + a) / 2) * out + (1 - a) / 2);
        const expected = samples.map((x) => {
          const dominated = population.filter((z) => ratio(x) * (1 / ratio(z)) > 3);
          return 1 - dominated.length / population.length;
        });
        expect([...rmiaOffline(signalsOf(samples), signalsOf(population), { a, gamma: 3 })]).toEqual(
          expected,
        );
      }),
    );
  });

  it('handles negative ratios, which Taylor signals can give', () => {
    const samples = { target: [-0.5, 0.5], out: [0.5, 0.5], in: [0.5, 0.5], shadows: 1 };
    const population = { target: [-1, 1, -0.1], out: [1, 1, 1], in: [1, 1, 1], shadows: 1 };
    // Ratios -1 and 1 against 1/ratios -1, 1 and -10: products 1, -1, 10 and -1, 1, -10.
    expect([...rmiaOnline(samples, population)]).toEqual([1 - 1 / 3, 1]);
  });

  it('cuts outlying reference models off', () => {
    const out = [0.1, 0.1, 0.1, 0.1, 100];
    const population = {
      target: [0.1, 0.4],
      out: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
      shadows: 5,
    };
    const share = (trim: number) =>
      rmiaOffline({ target: [0.5], out, shadows: 5 }, population, { a: 1, trim })[0];
    expect([share(0.2), share(0)]).toEqual([0.5, 1]);
  });

  it('takes a population of 100,000 in its stride', () => {
    const size = 100_000;
    const target = Float64Array.from({ length: size }, (_, i) => (i + 1) / size);
    const set = { target, out: target, shadows: 1 };
    expect(rmiaOffline(set, set, { a: 0.2 }).every((score) => score >= 0 && score <= 1)).toBe(true);
  });
});
