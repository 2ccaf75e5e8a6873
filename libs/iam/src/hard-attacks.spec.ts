/** The reference's hard cases, blocks C (LiRA), D (EMIA), E (RMIA) and F (ROC): each kept or decided otherwise. */
import { describe, expect, it } from 'vitest';
import { readVector } from '../../../test/support/iam-vectors.js';
import { emiaPopulation, emiaReference } from './emia.js';
import {
  gaussiansAsPublished,
  gaussiansOf,
  liraOffline,
  liraOnline,
  pooledDeviation,
  updateLira,
} from './lira.js';
import { rmiaOffline, rmiaOnline } from './rmia.js';
import { auc } from './roc.js';

interface HardCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly output: unknown;
}

const CASES = readVector<HardCase[]>('hard_cases.json');
const named = (name: string) => CASES.find((c) => c.name === name)!;

describe('C: LiRA', () => {
  const load = (name: string) => {
    const { inputs, output } = named(name);
    const shadow = inputs['shadow(N,S)'] as number[][];
    return {
      target: Float64Array.from(inputs['unl'] as number[]),
      original: Float64Array.from(inputs['ori'] as number[]),
      shadow: Float64Array.from(shadow.flat()),
      shadows: shadow[0]!.length,
      published: output as Record<'p_LiRA' | 'p_LiRA_Online' | 'p_update_LiRA', number[]>,
    };
  };
  const expectRelative = (ours: Float64Array, theirs: number[]) => {
    ours.forEach((value, i) => {
      // The case was run in float32, where 1e-30 has seven digits.
      expect(Math.abs(value - theirs[i]!)).toBeLessThanOrEqual(1e-7 * Math.max(1, Math.abs(theirs[i]!)));
    });
  };

  it.each(['C.LiRA S=1 (std=0)', 'C.LiRA S=2'])('%s: as published', (name) => {
    const { target, original, shadow, shadows, published } = load(name);
    const out = gaussiansAsPublished(shadow, shadows);
    expectRelative(liraOffline(target, out), published.p_LiRA);
    expectRelative(liraOnline(target, out, gaussiansAsPublished(original, 1)), published.p_LiRA_Online);
    expectRelative(updateLira(target, original, out), published.p_update_LiRA);
  });

  it('zero-variance-spike: with a shared deviation the OUT models count again', () => {
    const { target, original, shadow, shadows } = load('C.LiRA S=2');
    const deviation = pooledDeviation(shadow, shadows);
    const scores = liraOnline(
      target,
      gaussiansOf(shadow, shadows, deviation),
      gaussiansOf(original, 1, deviation),
    );
    expect(scores.every((score) => Math.abs(score) < 1e3)).toBe(true);
    // Sample 2: halfway between OUT (1) and IN (3) neither side is more likely; the spike calls it unlearned by 1e60.
    const balanced = liraOnline(
      Float64Array.of(2),
      gaussiansOf([1, 1], 2, deviation),
      gaussiansOf([3], 1, deviation),
    );
    expect(balanced[0]).toBe(0);
    const spiked = liraOnline(
      Float64Array.of(2),
      gaussiansAsPublished([0.9, 1.1], 2),
      gaussiansAsPublished([3], 1),
    );
    expect(spiked[0]).toBeGreaterThan(1e59);
  });

  it('C.LiRA inf carlini: unscorable, and only those samples', () => {
    const { target, original, shadow, shadows } = load('C.LiRA inf carlini');
    const out = gaussiansAsPublished(shadow, shadows);
    for (const scores of [
      liraOffline(target, out),
      liraOnline(target, out, gaussiansAsPublished(original, 1)),
      updateLira(target, original, out),
    ]) {
      expect([...scores].map(Number.isNaN)).toEqual([true, false, true]);
    }
  });

  it('refuses a spread that is none', () => {
    const refusal = (code: string) => expect.objectContaining({ code }) as Error;
    expect(() => pooledDeviation([1, 1, 2, 2], 2)).toThrow(refusal('IAM_SCALE_DEGENERATE'));
    expect(() => pooledDeviation([NaN], 1)).toThrow(refusal('IAM_SCALE_DEGENERATE'));
    expect(() => pooledDeviation([], 1)).toThrow(refusal('IAM_SCALE_DEGENERATE'));
    expect(() => gaussiansOf([1], 1, 0)).toThrow(refusal('IAM_PARAMETER_OUT_OF_RANGE'));
    expect(() => gaussiansOf([1, 2, 3], 2, 1)).toThrow(refusal('IAM_LENGTH_MISMATCH'));
  });
});

describe('D: EMIA', () => {
  it('logits of +-1e3 and +-5e3, and ties', () => {
    for (const name of ['D.enhanced_mia logits 0,+-1e3,+-5e3 S=2', 'D.enhanced_mia S=1 ties']) {
      const { inputs, output } = named(name);
      const target = inputs['unl_logit_y'] as number[];
      const rows = inputs['shadow_logit_y'] as number[][];
      const out = target.flatMap((_, sample) => rows.map((row) => row[sample]!));
      const ours = emiaReference(target, out, rows.length);
      ours.forEach((value, i) => {
        expect(value).toBeCloseTo((output as number[])[i]!, 6);
      });
    }
    const { inputs, output } = named('D.enhanced_mia_p ties');
    const ours = emiaPopulation(inputs['unl_logit_y'] as number[], inputs['pop_logit_y'] as number[]);
    expect([...ours]).toEqual(output);
  });

  it('a logit that is not finite is unscorable, and only that sample', () => {
    const ours = emiaReference([NaN, 1, 1, Infinity], [1, NaN, 2, 1], 1);
    expect([...ours].map(Number.isNaN)).toEqual([true, true, false, true]);
    expect([...emiaPopulation([NaN, 1], [0, 2])]).toEqual([NaN, 0.5]);
  });

  it('refuses a population that cannot rank', () => {
    for (const population of [[], [1, NaN]]) {
      expect(() => emiaPopulation([1], population)).toThrow(
        expect.objectContaining({ code: 'IAM_NOT_FINITE' }) as Error,
      );
    }
    expect(() => emiaReference([1], [1, 2], 1)).toThrow(
      expect.objectContaining({ code: 'IAM_LENGTH_MISMATCH' }) as Error,
    );
  });
});

describe('E: RMIA', () => {
  const population = { target: [0.2, 0.5, 0.9], out: [0.3, 0.5, 0.4], in: [0.6, 0.5, 0.9], shadows: 1 };

  it('an unusable signal is unscorable, and only that sample', () => {
    const samples = {
      target: [NaN, 0.9, 0.5, 0.5],
      out: [0.2, NaN, 0, 0.2],
      in: [0.9, 0.9, 0, 0.9],
      shadows: 1,
    };
    expect([...rmiaOffline(samples, population, { a: 0.3 })].map(Number.isNaN)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    // A reference mean of 0 gives no ratio.
    expect([...rmiaOnline(samples, population)].map(Number.isNaN)).toEqual([true, true, true, false]);
  });

  it('refuses a population it cannot compare with, and settings out of range', () => {
    const samples = { target: [0.5], out: [0.5], in: [0.5], shadows: 1 };
    const refusal = (code: string) => expect.objectContaining({ code }) as Error;
    const broken = { ...population, target: [0.2, NaN, 0.9] };
    const none = { target: [], out: [], in: [], shadows: 1 };
    expect(() => rmiaOnline(samples, broken)).toThrow(refusal('IAM_NOT_FINITE'));
    expect(() => rmiaOnline(samples, none)).toThrow(refusal('IAM_NOT_FINITE'));
    expect(() => rmiaOffline(samples, population, { a: 1.1 })).toThrow(refusal('IAM_PARAMETER_OUT_OF_RANGE'));
    for (const settings of [{ gamma: 0 }, { trim: 0.5 }]) {
      expect(() => rmiaOnline(samples, population, settings)).toThrow(refusal('IAM_PARAMETER_OUT_OF_RANGE'));
    }
    expect(() => rmiaOnline({ ...samples, out: [1, 2] }, population)).toThrow(refusal('IAM_LENGTH_MISMATCH'));
  });
});

describe('F: ROC figures', () => {
  it.each([
    ['F.single class 1', 'IAM_ONE_CLASS_MISSING'],
    ['F.single class 0', 'IAM_ONE_CLASS_MISSING'],
    ['F.NaN score', 'IAM_NOT_FINITE'],
    ['F.inf score', 'IAM_NOT_FINITE'],
    ['F.-inf score', 'IAM_NOT_FINITE'],
  ])('%s: %s', (name, code) => {
    const { labels, scores } = named(name).inputs as { labels: number[]; scores: number[] };
    expect(() => auc(scores, labels)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
