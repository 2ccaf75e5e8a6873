import { describe, expect, it } from 'vitest';
import { findDrift } from './drift-check.js';

const TOLERANCE = 0.1;
const KNOWN = [0.01, 0.5, 2, 6];

/** Losses now, or the code of the one that did not come. */
const found = (now: readonly (number | string)[], known: readonly number[] = KNOWN) =>
  findDrift(
    {
      known: Float64Array.from(known),
      now: Float64Array.from(now, (value) => (typeof value === 'number' ? value : NaN)),
      codes: now.map((value) => (typeof value === 'string' && value !== '' ? value : undefined)),
    },
    'loss',
    TOLERANCE,
  );

describe('signals asked for again', () => {
  it('are the same when they are', () => {
    expect(found(KNOWN)).toEqual({
      outcome: 'SAME',
      sampled: 4,
      differing: 0,
      largestDifference: 0,
      errorCode: null,
    });
  });

  it('are different when one of them is', () => {
    expect(found([0.01, 0.5, 0.6, 6])).toMatchObject({ outcome: 'DIFFERENT', sampled: 4, differing: 1 });
  });

  it('are different when one does not come any more, and the others say by how much', () => {
    expect(found([0.01, 0.51, 'RUNTIME_OUTPUT_NOT_FINITE', 6])).toMatchObject({
      outcome: 'DIFFERENT',
      sampled: 4,
      differing: 1,
      largestDifference: expect.closeTo(0.0252, 3) as number,
      errorCode: 'RUNTIME_OUTPUT_NOT_FINITE',
    });
  });

  it('are different when the endpoint refuses some samples and takes others', () => {
    expect(found(['RUNTIME_ENDPOINT_REFUSED', 0.5, 2, 6])).toMatchObject({
      outcome: 'DIFFERENT',
      errorCode: 'RUNTIME_ENDPOINT_REFUSED',
    });
  });

  it('are different when none comes because the model is another', () => {
    expect(found(KNOWN.map(() => 'RUNTIME_INPUT_MISMATCH'))).toEqual({
      outcome: 'DIFFERENT',
      sampled: 4,
      differing: 4,
      largestDifference: null,
      errorCode: 'RUNTIME_INPUT_MISMATCH',
    });
  });

  it.each([
    'RUNTIME_UNAVAILABLE',
    'RUNTIME_TIMEOUT',
    'RUNTIME_ENDPOINT_FORBIDDEN',
    'RUNTIME_ENDPOINT_REFUSED',
  ])('say nothing when nobody answers: %s', (code) => {
    expect(found(KNOWN.map(() => code))).toEqual({
      outcome: 'UNREACHABLE',
      sampled: 0,
      differing: 0,
      largestDifference: null,
      errorCode: code,
    });
  });

  it('leave out what was not asked for', () => {
    expect(found([0.01, '', 2, ''])).toMatchObject({ outcome: 'SAME', sampled: 2 });
    expect(found(['', '', '', ''])).toMatchObject({ outcome: 'UNREACHABLE', errorCode: null });
  });

  it('name the most frequent reason', () => {
    expect(found(['B', 'A', 'B', 2]).errorCode).toBe('B');
    expect(found(['B', 'A', 1, 2]).errorCode).toBe('A');
  });
});

describe('log-odds of both kinds', () => {
  const kinds = ['loss', 'probability'] as const;
  const difference = (signalKind: (typeof kinds)[number], known: number, now: number) =>
    findDrift(
      { known: Float64Array.of(known), now: Float64Array.of(now), codes: [undefined] },
      signalKind,
      TOLERANCE,
    ).largestDifference!;
  const raw = (signalKind: (typeof kinds)[number], logit: number) =>
    signalKind === 'loss' ? Math.log1p(Math.exp(-logit)) : 1 / (1 + Math.exp(-logit));

  it.each(kinds)('differ by what the logits do, wherever they lie: %s', (signalKind) => {
    for (let logit = -30; logit <= 9; logit += 0.5)
      expect(difference(signalKind, raw(signalKind, logit), raw(signalKind, logit + 0.2))).toBeCloseTo(
        0.2,
        3,
      );
  });

  it.each(kinds)('do not differ where the sample is certain, or unheard of: %s', (signalKind) => {
    for (const logit of [10, 14, 20, 40])
      expect(difference(signalKind, raw(signalKind, logit), raw(signalKind, logit + 5))).toBe(0);
    expect(difference('loss', 200, 2000)).toBe(0);
    expect(difference('probability', 0, 1e-45)).toBeLessThan(1);
  });

  it('of an average of tokens differ by no more than twice what the logits do', () => {
    const off = 0.03;
    for (const tokens of [
      [3, 3, 3],
      [9, 9, -2],
      [0, 8, 8, 8, 8],
      [-6, -4, 5],
    ]) {
      const loss = (by: number) =>
        tokens.reduce((sum, logit) => sum + Math.log1p(Math.exp(-(logit + by))), 0) / tokens.length;
      // The true token's logit down, all others up.
      expect(difference('loss', loss(0), loss(-2 * off))).toBeLessThanOrEqual(2 * off + 1e-9);
    }
  });
});
