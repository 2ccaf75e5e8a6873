import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp } from './elementary.js';
import { shiftedExponentials } from './exponentials.js';

const exponentials = (values: readonly number[]): number[] => [...shiftedExponentials(values, 0)];

describe('shiftedExponentials', () => {
  it('gives the bits of exp, whatever the length', () => {
    const number = fc.double({ min: -699, max: 699, noNaN: true });
    fc.assert(
      fc.property(fc.array(number, { maxLength: 40 }), (values) => {
        expect(exponentials(values)).toEqual(values.map(exp));
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  it('gives the bits of exp for a row longer than there is room for', () => {
    const values = Array.from({ length: 20_001 }, (_, i) => -700 * Math.abs(Math.sin(i)));
    expect(exponentials(values)).toEqual(values.map(exp));
  });

  it('takes the shift off first', () => {
    const row = Float32Array.of(3, -2, 0.1);
    expect([...shiftedExponentials(row, 3)]).toEqual([...row].map((x) => exp(x - 3)));
  });

  it('knows the ends of the range and what is no number', () => {
    const values = [0, -0, -700, -708.5, -745.1, -746, 709.7, 710, Infinity, -Infinity, NaN];
    expect(exponentials(values)).toEqual(values.map(exp));
    for (const value of values) expect(exponentials([value, -1])).toEqual([exp(value), exp(-1)]);
  });
});
