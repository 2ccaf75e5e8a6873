import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLogits, readVector } from '../../../test/support/iam-vectors.js';
import {
  boundedGumbel,
  crossEntropy,
  forgettingProbability,
  normalizedGumbel,
  scaledLogit,
  scaledLogitOfProbability,
  taylorSoftMargin,
  transformSignal,
  trueClassProbability,
} from './signals.js';

type Signal = (logits: ArrayLike<number>, label: number) => number;

const SIGNALS: Readonly<Record<string, Signal>> = {
  model_confidence: trueClassProbability,
  carlini_logit: scaledLogit,
  ce_loss: crossEntropy,
  taylor_soft_margin_cifar10: (x, y) => taylorSoftMargin(x, y, { margin: 0.6, terms: 4, temperature: 2 }),
  taylor_soft_margin_cifar100: (x, y) => taylorSoftMargin(x, y, { margin: 0.6, terms: 4, temperature: 1 }),
  taylor_soft_margin_purchase: (x, y) => taylorSoftMargin(x, y, { margin: 0.6, terms: 4, temperature: 2 }),
  'gumbel_raw_0.01_1e-05': (x, y) => boundedGumbel(trueClassProbability(x, y), 1e-2, 1e-5),
  'gumbel_norm_0.01_1e-05': (x, y) => normalizedGumbel(trueClassProbability(x, y), 1e-2, 1e-5),
  'gumbel_raw_0.1_1e-06': (x, y) => boundedGumbel(trueClassProbability(x, y), 1e-1, 1e-6),
  'gumbel_norm_0.1_1e-06': (x, y) => normalizedGumbel(trueClassProbability(x, y), 1e-1, 1e-6),
};

describe('signals on the reference logits', () => {
  const { labels } = readVector<{ labels: number[] }>('c10/meta.json');
  const expected =
    readVector<Record<'f32' | 'f64', Record<string, Record<string, number[]>>>>('c10/signals.json');
  const files = {
    ori: ['c10/ori_logits.npy', 0],
    unl: ['c10/unl_logits.npy', 0],
    shadow0: ['c10/shadow_logits.npy', 0],
    shadow1: ['c10/shadow_logits.npy', 1],
  } as const;

  for (const [model, [file, shadow]] of Object.entries(files)) {
    const { shape, data } = readLogits(file);
    const classes = shape.at(-1)!;
    const models = shape.length === 3 ? shape[1]! : 1;
    for (const [name, signal] of Object.entries(SIGNALS)) {
      it(`${model} ${name}`, () => {
        labels.forEach((label, i) => {
          const row = (i * models + shadow) * classes;
          const ours = signal(data.subarray(row, row + classes), label);
          // Relative to 1 or to the value: the soft margin is unbounded.
          const unit = Math.max(1, Math.abs(ours));
          expect(Math.abs(ours - expected.f64[model]![name]![i]!)).toBeLessThan(1e-9 * unit);
          expect(Math.abs(ours - expected.f32[model]![name]![i]!)).toBeLessThan(5e-5 * unit);
        });
      });
    }
  }
});
void [fc, forgettingProbability, scaledLogitOfProbability, transformSignal];
