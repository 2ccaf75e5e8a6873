import { describe, expect, it } from 'vitest';
import { PAYLOAD_MISSING, SAMPLE_ERASED, type SignalBlock } from './signal-block.js';
import { SignalDraft } from './signal-draft.js';

const living = (width: number): boolean[] => new Array<boolean>(width).fill(false);
const draftOf = (known: SignalBlock | undefined, erased: readonly boolean[], retryFailed = false) =>
  new SignalDraft(known, { blockIndex: 7, erased, retryFailed });

const known: SignalBlock = {
  blockIndex: 7,
  width: 4,
  unscorable: 2,
  awaited: true,
  values: Float64Array.of(1, NaN, 3, NaN),
  reasons: { RUNTIME_TIMEOUT: [[1, 2]], [PAYLOAD_MISSING]: [[3, 4]] },
};

describe('the draft of a block of signals', () => {
  it('wants everything where nothing is known', () => {
    const draft = draftOf(undefined, living(3));
    expect(draft.wanted).toEqual([0, 1, 2]);
    draft.take([0, 2], { values: Float64Array.of(0.5, NaN), codes: [undefined, 'BROKEN'], broken: null });
    draft.refuse([1], PAYLOAD_MISSING);
    expect(draft.isNews).toBe(true);
    expect(draft.block).toEqual({
      blockIndex: 7,
      width: 3,
      unscorable: 2,
      awaited: true,
      values: Float64Array.of(0.5, NaN, NaN),
      reasons: { [PAYLOAD_MISSING]: [[1, 2]], BROKEN: [[2, 3]] },
      forwardPasses: 2,
    });
  });

  it('wants new samples and those whose payload was missing, and keeps every signal', () => {
    const draft = draftOf(known, living(6));
    expect(draft.wanted).toEqual([3, 4, 5]);
    draft.take([3, 4, 5], { values: Float64Array.of(4, 5, 6), codes: [], broken: null });
    expect(draft.block).toMatchObject({
      width: 6,
      unscorable: 1,
      values: Float64Array.of(1, NaN, 3, 4, 5, 6),
      reasons: { RUNTIME_TIMEOUT: [[1, 2]] },
      forwardPasses: 3,
    });
  });

  it('tries failed samples again only when asked to', () => {
    expect(draftOf(known, living(4)).wanted).toEqual([3]);
    expect(draftOf(known, living(4), true).wanted).toEqual([1, 3]);
  });

  it('is no news while the same is known as before', () => {
    const draft = draftOf(known, living(4));
    draft.refuse([3], PAYLOAD_MISSING);
    expect(draft.isNews).toBe(false);
    draft.take([3], { values: Float64Array.of(4), codes: [undefined], broken: null });
    expect(draft.isNews).toBe(true);
  });

  it('drops the signal of an erased sample and never asks for it again', () => {
    const draft = draftOf(known, [true, false, false, true, false]);
    expect(draft.wanted).toEqual([4]);
    draft.take([4], { values: Float64Array.of(5), codes: [undefined], broken: null });
    expect(draft.block.values).toEqual(Float64Array.of(NaN, NaN, 3, NaN, 5));
    expect(draft.block.reasons).toEqual({
      [SAMPLE_ERASED]: [
        [0, 1],
        [3, 4],
      ],
      RUNTIME_TIMEOUT: [[1, 2]],
    });
  });
});
