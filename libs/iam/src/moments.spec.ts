import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SignalMoments } from './moments.js';

const signal = fc.double({ min: -5, max: 5, noNaN: true });
const samples = fc.integer({ min: 1, max: 4 }).chain((shadows) =>
  fc.array(fc.tuple(fc.array(signal, { minLength: shadows, maxLength: shadows }), signal), {
    minLength: 1,
    maxLength: 30,
  }),
);

function momentsOf(list: readonly (readonly [number[], number])[]): SignalMoments {
  const moments = new SignalMoments();
  for (const [out, in_] of list) moments.add(out, in_);
  return moments;
}

/** Two passes over all (shadow, sample) pairs, as numpy.std(axis=(0, 2)). */
function deviationAt(list: readonly (readonly [number[], number])[], a: number, fromIn: boolean): number {
  const line = list.flatMap(([out, in_]) =>
    out.map((o) => (fromIn ? in_ + a * (o - in_) : o + a * (in_ - o))),
  );
  const mean = line.reduce((sum, value) => sum + value, 0) / line.length;
  return Math.sqrt(line.reduce((sum, value) => sum + (value - mean) ** 2, 0) / line.length);
}

describe('SignalMoments', () => {
  it.each(['probability', 'loss'] as const)(
    '%s: the spread of every level, as two passes give it',
    (signalKind) => {
      fc.assert(
        fc.property(samples, (list) => {
          const sigma = momentsOf(list).sigmaPerLevel(11, signalKind);
          expect(sigma.length).toBe(10);
          sigma.forEach((value, k) => {
            expect(Math.abs(value - deviationAt(list, k / 10, signalKind === 'loss'))).toBeLessThan(1e-14);
          });
        }),
      );
    },
  );

  it('is the same bytes for any order and any number of shards', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 1000 }), fc.nat(), (list, shards, turn) => {
        const parts = Array.from({ length: shards }, () => new SignalMoments());
        list.forEach((_, i) => {
          const [out, in_] = list[(i + turn) % list.length]!;
          parts[(i * 7 + turn) % shards]!.add(out, in_);
        });
        const merged = parts.reduceRight((sum, part) => sum.merge(part), new SignalMoments());
        expect(JSON.stringify(merged)).toBe(JSON.stringify(momentsOf(list)));
        expect(merged.sigmaPerLevel(100)).toEqual(momentsOf(list).sigmaPerLevel(100));
      }),
      { numRuns: 30 },
    );
  });

  it('survives JSON', () => {
    fc.assert(
      fc.property(samples, (list) => {
        const moments = momentsOf(list);
        const text = JSON.stringify(moments);
        const back = SignalMoments.fromJSON(JSON.parse(text) as ReturnType<SignalMoments['toJSON']>);
        expect(JSON.stringify(back)).toBe(text);
        expect(back.sigmaPerLevel(5)).toEqual(moments.sigmaPerLevel(5));
      }),
    );
    const json = momentsOf([[[1], 2]]).toJSON();
    for (const wrong of [{ samples: -1 }, { pairs: 0.5 }, { out: [NaN] }, { in: 3 }]) {
      expect(() => SignalMoments.fromJSON({ ...json, ...wrong } as typeof json)).toThrow(
        expect.objectContaining({ code: 'IAM_FORMAT_INVALID' }) as Error,
      );
    }
  });

  it('keeps a small spread next to a large mean', () => {
    const list = [0, 1, 2, 3].map((i) => [[1e6 + i * 1e-6], 1e6 + i * 1e-6] as [number[], number]);
    const values = list.map(([[out]]) => out! - 1e6);
    const mean = values.reduce((sum, v) => sum + v) / 4;
    const expected = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4);
    for (const sigma of momentsOf(list).sigmaPerLevel(3)) expect(sigma).toBeCloseTo(expected, 12);
  });

  it('has no spread below 0 for signals whose squares underflow', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e-150, max: 1e-150, noNaN: true }), { minLength: 2 }),
        (tiny) => {
          const sigma = momentsOf(tiny.map((value, i) => [[value], tiny.at(-1 - i)!])).sigmaPerLevel(4);
          for (const value of sigma) expect(value >= 0 && value < 1e-140).toBe(true);
        },
      ),
      { examples: [1.1191790640916818e-158, 1.1320469230408616e-155].map((x) => [[x, x]]) },
    );
  });

  it('finds no spread exactly, and skips what cannot be scored', () => {
    const moments = momentsOf([
      [[0.1, 0.1], 0.7],
      [[0.1, 0.1], 0.7],
      [[NaN, 0.1], 0.7],
      [[0.1, 0.1], Infinity],
      [[], 0.7],
    ]);
    expect([...moments.sigmaPerLevel(5)]).toEqual([0, 0, 0, 0]);
    expect(moments).toMatchObject({ samples: 2, pairs: 4, skipped: 3 });
    expect(moments.meanIn()).toBe(0.7);
    expect(moments.inIsConstant()).toBe(true);
    expect(
      momentsOf([
        [[1], 0.1],
        [[2], 0.2],
      ]).inIsConstant(),
    ).toBe(false);
    expect(new SignalMoments().meanIn()).toBeNaN();
  });
});
