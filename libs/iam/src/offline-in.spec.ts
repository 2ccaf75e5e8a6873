import { describe, expect, it } from 'vitest';
import { readLogits, readVector } from '../../../test/support/iam-vectors.js';
import { offlineInSignal } from './offline-in.js';
import { scorePooled } from './pooled.js';
import { normalizedGumbel, trueClassProbability } from './signals.js';

interface Published {
  readonly prec: 'f32' | 'f64';
  readonly dataname: string;
  readonly S: number;
  readonly pred: Readonly<Record<string, number[]>>;
}

describe('offlineInSignal', () => {
  const meta = readVector<{ labels: number[]; shadow_train_labels: number[][] }>('c10/meta.json');
  const published = readVector<Published[]>('c10/baselines.json').filter(
    ({ dataname, pred }) =>
      dataname !== 'purchase' && dataname !== 'texas' && pred['p_IPapprox_simp_offline'],
  );
  const signal = (logits: Float32Array, label: number) =>
    normalizedGumbel(trueClassProbability(logits, label), 1e-2, 1e-5);

  function signalsOf(file: string, labelOf: (row: number) => number): Float64Array {
    const { shape, data } = readLogits(file);
    const classes = shape.at(-1)!;
    return Float64Array.from({ length: data.length / classes }, (_, row) =>
      signal(data.subarray(row * classes, (row + 1) * classes), labelOf(row)),
    );
  }

  it.each(published.map((p) => [`${p.prec} ${p.dataname} S=${String(p.S)}`, p] as const))(
    'gives the published offline scores: %s',
    (_, { prec, S, pred }) => {
      const training = meta.shadow_train_labels.slice(0, S).map((labels, s) => {
        const all = readLogits('c10/shadow_train_logits.npy');
        const [, samples, classes] = all.shape as [number, number, number];
        return Float64Array.from(labels, (label, i) => {
          const at = (s * samples + i) * classes;
          return signal(all.data.subarray(at, at + classes), label);
        });
      });
      const scores = scorePooled({
        target: signalsOf('c10/unl_logits.npy', (row) => meta.labels[row]!),
        out: signalsOf('c10/shadow_logits.npy', (row) => meta.labels[Math.floor(row / 16)]!).filter(
          (_value, i) => i % 16 < S,
        ),
        shadows: S,
        in_: offlineInSignal(training),
        signalKind: 'probability',
        likelihood: 'gumbel',
        levels: 100,
      });
      const tolerance = prec === 'f64' ? 1e-9 : 5e-5;
      scores.forEach((score, i) => {
        expect(Math.abs(score - pred['p_IPapprox_simp_offline']![i]!)).toBeLessThan(tolerance);
      });
    },
  );

  it('is the mean of the means, whatever the order; leaves out what is unusable', () => {
    expect(published.length).toBeGreaterThan(0);
    const a = Float64Array.from([1e16, 1, -1e16, NaN]);
    expect(offlineInSignal([a, Float64Array.from([2])])).toBe((1 / 3 + 2) / 2);
    expect(offlineInSignal([a.toReversed(), Float64Array.from([2])])).toBe((1 / 3 + 2) / 2);
    for (const none of [[], [new Float64Array(0)], [a, Float64Array.from([NaN])]]) {
      expect(() => offlineInSignal(none)).toThrow(
        expect.objectContaining({ code: 'IAM_OFFLINE_IN_INVALID' }) as Error,
      );
    }
  });
});
