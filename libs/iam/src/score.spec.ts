import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toMillionths } from './millionths.js';
import { SignalMoments } from './moments.js';
import { DEFAULT_PARAMETERS, type IamParameters, type SignalKind } from './parameters.js';
import { scorePooled } from './pooled.js';
import { freezeScale } from './scale.js';
import { scoreFrozen, type FrozenScoreInput } from './score.js';
import { transformSignal } from './signals.js';

const KINDS: readonly SignalKind[] = ['probability', 'loss'];

/** Never-trained-on OUT, member IN, and targets from one to the other, all from one small generator. */
function release(kind: SignalKind, samples: number, shadows: number, seed: number): FrozenScoreInput {
  const parameters = DEFAULT_PARAMETERS[kind];
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const raw = (member: number) =>
    transformSignal(
      kind === 'probability' ? uniform() ** (1 - 0.9 * member) : 0.2 + 3 * uniform() * (1.2 - member),
      parameters,
    );
  const target = Float64Array.from({ length: samples }, () => raw(uniform()));
  const out = Float64Array.from({ length: samples * shadows }, () => raw(0));
  const in_ = Float64Array.from({ length: samples }, () => raw(1));
  const moments = new SignalMoments();
  for (let i = 0; i < samples; i++) moments.add(out.subarray(i * shadows, (i + 1) * shadows), in_[i]!);
  return { target, out, shadows, in_, scale: freezeScale(moments, parameters), parameters };
}

/** The samples `which`, in that order. */
function select(input: FrozenScoreInput, which: readonly number[]): FrozenScoreInput {
  const { target, out, shadows, in_ } = input;
  return {
    ...input,
    target: Float64Array.from(which, (i) => target[i]!),
    out: Float64Array.from(which.flatMap((i) => [...out.subarray(i * shadows, (i + 1) * shadows)])),
    in_: typeof in_ === 'number' ? in_ : Float64Array.from(which, (i) => in_[i]!),
  };
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

describe('scoreFrozen', () => {
  it.each(KINDS)('%s: equals the pooled score of the set the scale was frozen on', (kind) => {
    for (const shadows of [1, 3]) {
      const input = release(kind, 200, shadows, 5);
      const { signalKind, likelihood, levels } = input.parameters;
      const pooled = scorePooled({ ...input, signalKind, likelihood, levels });
      scoreFrozen(input).forEach((score, i) => expect(Math.abs(score - pooled[i]!)).toBeLessThan(1e-8));
    }
  });

  it.each(KINDS)('%s: the same bytes in any order, in any number of shards', (kind) => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 3 }),
        (seed, shards, shadows) => {
          const input = release(kind, 60, shadows, seed);
          const whole = scoreFrozen(input);
          const order = [...whole.keys()].sort((a, b) => ((a * 37 + seed) % 61) - ((b * 37 + seed) % 61));
          for (let shard = 0; shard < shards; shard++) {
            const mine = order.filter((_, place) => place % shards === shard);
            scoreFrozen(select(input, mine)).forEach((score, i) =>
              expect(Object.is(score, whole[mine[i]!])).toBe(true),
            );
          }
        },
      ),
      { numRuns: 10, examples: [[1, 1000, 2]] },
    );
  });

  it.each(KINDS)(
    '%s: 1 where the release is as if never trained on the sample, 0 where it is a member',
    (kind) => {
      const input = release(kind, 300, 1, 9);
      const mean = (scores: Float64Array) => scores.reduce((sum, score) => sum + score, 0) / scores.length;
      const asOut = mean(scoreFrozen({ ...input, target: input.out }));
      const asIn = mean(scoreFrozen({ ...input, target: input.in_ as Float64Array }));
      expect(asOut).toBeGreaterThan(0.7);
      expect(asIn).toBeLessThan(0.45);
      const far = kind === 'probability' ? 1 : -1;
      expect(
        scoreFrozen({ ...input, target: input.target.map(() => -90 * far) }).every((score) => score === 1),
      ).toBe(true);
      expect(
        scoreFrozen({ ...input, target: input.target.map(() => 90 * far) }).every((score) => score === 0),
      ).toBe(true);
    },
  );

  it('one bad signal costs its own sample only', () => {
    const input = release('probability', 20, 2, 3);
    const clean = scoreFrozen(input);
    for (const bad of [NaN, Infinity, -Infinity, 1e200]) {
      const target = input.target.with(4, bad);
      const out = input.out.with(2 * 7 + 1, bad);
      const in_ = (input.in_ as Float64Array).with(11, bad);
      scoreFrozen({ ...input, target, out, in_ }).forEach((score, i) => {
        expect(Object.is(score, [4, 7, 11].includes(i) ? NaN : clean[i])).toBe(true);
      });
    }
  });

  it('offline takes the IN signal of its scale and no other', () => {
    const input = release('probability', 50, 1, 8);
    const moments = new SignalMoments();
    for (const out of input.out) moments.add([out], 2.5);
    const parameters: IamParameters = { ...input.parameters, mode: 'offline' };
    const offline = { ...input, in_: 2.5, parameters, scale: freezeScale(moments, parameters) };
    expect(scoreFrozen(offline).every((score) => score >= 0 && score <= 1)).toBe(true);
    expect(codeOf(() => scoreFrozen({ ...offline, in_: 2.4 }))).toBe('IAM_OFFLINE_IN_INVALID');
    expect(codeOf(() => scoreFrozen({ ...offline, in_: input.in_ }))).toBe('IAM_OFFLINE_IN_INVALID');
    expect(codeOf(() => scoreFrozen({ ...input, in_: 2.5 }))).toBe('IAM_OFFLINE_IN_INVALID');
  });

  it('refuses what does not belong together; scores nothing as nothing', () => {
    const input = release('probability', 20, 2, 3);
    expect(codeOf(() => scoreFrozen({ ...input, shadows: 1 }))).toBe('IAM_LENGTH_MISMATCH');
    expect(codeOf(() => scoreFrozen({ ...input, parameters: { ...input.parameters, levels: 99 } }))).toBe(
      'IAM_LENGTH_MISMATCH',
    );
    expect(codeOf(() => scoreFrozen({ ...input, parameters: DEFAULT_PARAMETERS.loss }))).toBe(
      'IAM_LENGTH_MISMATCH',
    );
    expect(scoreFrozen(select(input, []))).toEqual(new Float64Array(0));
  });
});

describe('toMillionths', () => {
  it('rounds to the nearest, halves up, and refuses what is no score', () => {
    expect([0, 1, 0.5, 1e-7, 5e-7, 0.1234565, 0.9999996].map(toMillionths)).toEqual([
      0, 1e6, 5e5, 0, 1, 123457, 1e6,
    ]);
    for (const wrong of [NaN, -1e-9, 1.0000001, Infinity])
      expect(codeOf(() => toMillionths(wrong))).toBe('IAM_SCORE_INVALID');
  });
});
