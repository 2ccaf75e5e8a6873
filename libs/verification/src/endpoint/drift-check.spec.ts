import { DEFAULT_PARAMETERS } from '@app/iam';
import { describe, expect, it } from 'vitest';
import { findDrift } from './drift-check.js';

const LOSS = DEFAULT_PARAMETERS.loss;
const TOLERANCE = 0.05;
const KNOWN = [0.01, 0.5, 2, 6];

/** Losses now, or the code of the one that did not come. */
const found = (now: readonly (number | string)[], known: readonly number[] = KNOWN) =>
  findDrift(
    {
      known: Float64Array.from(known),
      now: Float64Array.from(now, (value) => (typeof value === 'number' ? value : NaN)),
      codes: now.map((value) => (typeof value === 'string' && value !== '' ? value : undefined)),
    },
    LOSS,
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
      largestDifference: expect.closeTo(0.014, 2) as number,
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

it.each(['loss', 'probability'] as const)(
  'moves by less than the logits do, wherever it is: %s',
  (signalKind) => {
    const parameters = DEFAULT_PARAMETERS[signalKind];
    const shift = 0.04;
    for (let logit = -12; logit <= 12; logit += 0.5) {
      const raw = (at: number) =>
        signalKind === 'loss' ? Math.log1p(Math.exp(-at)) : 1 / (1 + Math.exp(-at));
      const [known, now] = [[raw(logit)], [raw(logit + shift)]].map((values) => Float64Array.from(values));
      const { largestDifference } = findDrift(
        { known: known!, now: now!, codes: [undefined] },
        parameters,
        1,
      );
      expect(largestDifference).toBeLessThanOrEqual(shift);
    }
  },
);
