import { describe, expect, it } from 'vitest';
import { rocCurve, tnrAtFnr } from './roc.js';
import { tnrAtFnrAsPublished } from './tnr-as-published.js';

describe('fault tnr-sort-order', () => {
  // Case F.perfect of the reference's hard cases.
  const perfect = rocCurve([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0, 0, 0, 1, 1, 1]);

  it('gives a perfect classifier almost nothing as published, and 1 in truth', () => {
    expect(tnrAtFnrAsPublished(perfect, [0, 0.001, 0.1, 1])).toEqual([
      0,
      expect.closeTo(0.0015, 12),
      expect.closeTo(0.15, 12),
      1,
    ]);
    expect([0, 0.001, 0.1, 1].map((rate) => tnrAtFnr(perfect, rate))).toEqual([1, 1, 1, 1]);
  });
});
