import { describe, expect, it } from 'vitest';
import { readLogits, readVector } from '../../../test/support/iam-vectors.js';
import { scorePooled, type PooledScoreInput } from './pooled.js';
import { boundedGumbel, normalizedGumbel, transformSignal, trueClassProbability } from './signals.js';

interface GridCase {
  readonly prec: 'f32' | 'f64';
  readonly S: number;
  readonly type: string;
  readonly fix_variance: boolean;
  readonly INTER_APPRO: number;
  readonly ori?: 'None';
  readonly score: number[];
}

/** The reference's constant for a missing original model: not normalised, though the other signals are. */
const MISSING_ORIGINAL = boundedGumbel(1, 1e-2, 1e-5);

/** As the vectors' README measured for a float64 port of the reference's float32 run. */
const toleranceOf = ({ prec, fix_variance }: GridCase) =>
  prec === 'f64' ? 1e-9 : fix_variance ? 5e-5 : 2e-3;

describe('scorePooled on ten classes, 512 samples', () => {
  const { labels } = readVector<{ labels: number[] }>('c10/meta.json');
  const original = signalsOf('c10/ori_logits.npy');
  const target = signalsOf('c10/unl_logits.npy');
  const out = signalsOf('c10/shadow_logits.npy');
  const grid = readVector<GridCase[]>('c10/iam_grid.json').filter(
    ({ type }) => type === 'gumbel' || type === 'norm',
  );

  /** Normalised signals `[samples x models]` of logits `[samples x (models x) classes]`. */
  function signalsOf(file: string): Float64Array {
    const { shape, data } = readLogits(file);
    const classes = shape.at(-1)!;
    const models = shape.length === 3 ? shape[1]! : 1;
    return Float64Array.from({ length: data.length / classes }, (_, row) => {
      const logits = data.subarray(row * classes, (row + 1) * classes);
      return normalizedGumbel(trueClassProbability(logits, labels[Math.floor(row / models)]!), 1e-2, 1e-5);
    });
  }

  it('covers every gumbel and norm case', () => {
    expect(grid.length).toBe(96);
  });

  it.each(
    grid.map((c) => [
      `${c.prec} ${c.type} S=${c.S} fixed=${c.fix_variance} K=${c.INTER_APPRO} ${c.ori ?? ''}`,
      c,
    ]),
  )('%s', (_, c) => {
    const scores = scorePooled({
      target,
      out: out.filter((_value, i) => i % 16 < c.S),
      shadows: c.S,
      in_: c.ori === 'None' ? MISSING_ORIGINAL : original,
      signalKind: 'probability',
      likelihood: c.type as 'gumbel' | 'norm',
      levels: c.INTER_APPRO,
      fixVariance: c.fix_variance,
    });
    expect(largestDifference(scores, Float64Array.from(c.score))).toBeLessThan(toleranceOf(c));
  });
});

describe('scorePooled on the real MUSE-News losses (retrain)', () => {
  const recorded =
    readVector<Record<'nlloss' | 'ref_nlloss' | 'fitRef_nlloss' | 'ip_ppl_b64' | 'ip_ppl_whole', number[]>>(
      'llm_retrain.json',
    );
  const signals = (losses: number[]) =>
    Float64Array.from(losses, (nll) =>
      transformSignal(nll, { signalKind: 'loss', epsilon1: 0.1, epsilon2: 1e-5 }),
    );
  const input: PooledScoreInput = {
    target: signals(recorded.nlloss),
    out: signals(recorded.ref_nlloss),
    shadows: 1,
    in_: signals(recorded.fitRef_nlloss),
    signalKind: 'loss',
    likelihood: 'gumbel',
    levels: 1000,
  };

  it.each([
    ['batches of 64', 64, 'ip_ppl_b64'],
    ['one batch', undefined, 'ip_ppl_whole'],
  ] as const)('%s equals 1 - ip_ppl to 1e-9', (_, batch, name) => {
    const scores = scorePooled(batch === undefined ? input : { ...input, batch });
    const published = Float64Array.from(recorded[name], (score) => 1 - score);
    expect(largestDifference(scores, published)).toBeLessThan(1e-9);
  });
});

function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}
