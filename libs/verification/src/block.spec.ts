import { DEFAULT_PARAMETERS, freezeScale, SignalMoments, transformSignal } from '@app/iam';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeScores, encodeScores, fractions } from './block-scores.js';
import { countSignals, referenceSignals, type ReferenceValues, scoreSamples } from './block.js';

const parameters = { ...DEFAULT_PARAMETERS.loss, levels: 20 };
const scale = freezeScale(
  [...Array(50).keys()].reduce((moments, i) => {
    moments.add([transformSignal(1.5 + i / 50, parameters)], transformSignal(0.4 + i / 200, parameters));
    return moments;
  }, new SignalMoments()),
  parameters,
);
const profile = { parameters, scale };
const references = (original: number[], ...shadows: number[][]): ReferenceValues => ({
  original: Float64Array.from(original),
  shadows: shadows.map((values) => Float64Array.from(values)),
});

describe('scoreSamples', () => {
  it('gives a member a low and a stranger a high score, in millionths', () => {
    const [member, stranger] = scoreSamples(Float64Array.of(0.5, 2), references([0.5, 0.5], [2, 2]), profile);
    expect(member).toBeLessThan(250_000);
    expect(stranger).toBeGreaterThan(500_000);
    expect(stranger).toBeLessThanOrEqual(1_000_000);
  });

  it('is -1 wherever any of the signals is missing or out of range', () => {
    const target = Float64Array.of(NaN, 1, 1, -1, 1);
    const values = references([1, NaN, 1, 1, 1], [1, 1, NaN, 1, 1]);
    const scores = scoreSamples(target, values, profile);
    expect([...scores.subarray(0, 4)]).toEqual([-1, -1, -1, -1]);
    expect(scores[4]).toBeGreaterThanOrEqual(0);
  });

  it('gives the same numbers however the samples are cut', () => {
    const loss = fc.double({ min: 0, max: 20, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(loss, loss, loss, loss), { minLength: 1, maxLength: 20 }),
        fc.nat(20),
        (rows, cut) => {
          const score = (part: typeof rows) =>
            part.length === 0
              ? []
              : [
                  ...scoreSamples(
                    Float64Array.from(part, (row) => row[0]),
                    references(
                      part.map((row) => row[1]),
                      part.map((row) => row[2]),
                      part.map((row) => row[3]),
                    ),
                    profile,
                  ),
                ];
          expect([...score(rows.slice(0, cut)), ...score(rows.slice(cut))]).toEqual(score(rows));
        },
      ),
    );
  });
});

describe('referenceSignals', () => {
  it('lays the shadows out row by row, in the order of the profile', () => {
    const { out, in_ } = referenceSignals(references([1, 2], [3, 4], [5, 6]), parameters, null);
    expect([...out]).toEqual([3, 5, 4, 6].map((value) => transformSignal(value, parameters)));
    expect([...(in_ as Float64Array)]).toEqual([1, 2].map((value) => transformSignal(value, parameters)));
  });

  it('takes the one IN signal of an offline profile as it is', () => {
    const { in_ } = referenceSignals({ original: null, shadows: [Float64Array.of(1)] }, parameters, -0.25);
    expect(in_).toBe(-0.25);
  });
});

describe('stored scores', () => {
  it('read back as they were written, little-endian', () => {
    expect([...encodeScores(Int32Array.of(1, -1))]).toEqual([1, 0, 0, 0, 255, 255, 255, 255]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1, max: 1_000_000 })), (scores) => {
        const written = encodeScores(Int32Array.from(scores));
        // As a driver hands it over: a view into a larger buffer.
        const view = Buffer.concat([Buffer.of(7, 7, 7), written]).subarray(3);
        expect([...decodeScores(view)]).toEqual(scores);
      }),
    );
  });

  it.each([
    ['half a score', new Uint8Array(6)],
    ['a score above one', encodeScores(Int32Array.of(1_000_001))],
    ['a score below -2', encodeScores(Int32Array.of(-3))],
  ])('refuse %s', (_case, bytes) => {
    expect(() => decodeScores(bytes)).toThrow(
      expect.objectContaining({ code: 'VERIFICATION_RESULTS_CORRUPT' }),
    );
  });

  it('become fractions, NaN where unscorable', () => {
    expect([...fractions(Int32Array.of(0, 250_000, -1, 1_000_000))]).toEqual([0, 0.25, NaN, 1]);
  });
});

it('countSignals counts what is there', () => {
  expect(countSignals(Float64Array.of(1, NaN), Float64Array.of(NaN, NaN), Float64Array.of(0, 2))).toBe(3);
});
