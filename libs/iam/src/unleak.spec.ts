import { describe, expect, it } from 'vitest';
import { readLogits, readVector } from '../../../test/support/iam-vectors.js';
import { auc } from './roc.js';
import { trainUnleak, unleak } from './unleak.js';

const FOLDER = new URL('../../../test/vectors/iam/c10/', import.meta.url).pathname;
const classes = 10;

describe('unleak on the reference set', () => {
  const before = readLogits('ori_logits.npy', FOLDER).data;
  const after = readLogits('unl_logits.npy', FOLDER).data;
  const { unlearn_flags } = readVector<{ unlearn_flags: number[] }>('meta.json', FOLDER);
  const half = (parity: number) => {
    const rows = unlearn_flags.flatMap((_, i) => (i % 2 === parity ? [i] : []));
    const pick = (logits: Float32Array) =>
      rows.flatMap((row) => [...logits.subarray(row * classes, (row + 1) * classes)]);
    return {
      before: pick(before),
      after: pick(after),
      classes,
      removed: rows.map((row) => unlearn_flags[row]!),
    };
  };
  const model = trainUnleak(half(0), { seed: 3 });

  it('recognises removed samples it has not seen', () => {
    const { removed, ...change } = half(1);
    const scores = unleak(model, change);
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
    expect(auc(scores, removed)).toBeGreaterThan(0.8);
  });

  it('sees nothing where nothing changed', () => {
    const { before: same, removed } = half(1);
    const scores = unleak(model, { before: same, after: same, classes });
    expect(new Set(scores).size).toBe(1);
    expect(auc(scores, removed)).toBe(0.5);
  });

  it('leaves a sample with an unusable logit unscorable, and only that one', () => {
    const change = half(1);
    change.after[13] = NaN;
    expect(Array.from(unleak(model, change).slice(0, 3), Number.isNaN)).toEqual([false, true, false]);
  });

  it('takes as few as two classes', () => {
    const two = {
      before: [4, 0, 3, 0, 4, 0, 3, 0],
      after: [0, 0, 0, 0, 4, 0, 3, 0],
      classes: 2,
      removed: [1, 1, 0, 0],
    };
    expect(unleak(trainUnleak(two, { maxEpochs: 5 }), two).every(Number.isFinite)).toBe(true);
  });

  it('refuses shapes that do not fit', () => {
    const refusal = expect.objectContaining({ code: 'IAM_LENGTH_MISMATCH' }) as Error;
    expect(() => unleak(model, { before: [1, 2, 3], after: [1, 2, 3], classes: 2 })).toThrow(refusal);
    expect(() => trainUnleak({ before: [1, 2], after: [2, 1], classes: 2, removed: [1, 0] })).toThrow(
      refusal,
    );
  });
});
