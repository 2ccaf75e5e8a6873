import { describe, expect, it } from 'vitest';
import {
  bestSignals,
  decodeSignals,
  encodeSignals,
  packReasons,
  PAYLOAD_MISSING,
  unpackReasons,
} from './signal-block.js';

describe('stored signals', () => {
  it('read back to the same bits, NaN included', () => {
    const values = Float64Array.of(0.1, -0, NaN, 1e-300, 2.5);
    expect(decodeSignals(encodeSignals(values), 5)).toEqual(values);
    expect(encodeSignals(Float64Array.of(1))).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf0, 0x3f));
  });

  it('of another width than their bytes are refused', () => {
    expect(() => decodeSignals(encodeSignals(Float64Array.of(1, 2)), 3)).toThrow(
      expect.objectContaining({ code: 'VERIFICATION_SIGNALS_CORRUPT' }),
    );
  });

  it('are served from the widest version, then from the one that lacks the fewest', () => {
    const version = (width: number, unscorable: number) => ({
      blockIndex: 0,
      width,
      unscorable,
      awaited: false,
    });
    expect(bestSignals([])).toBeUndefined();
    expect(bestSignals([version(10, 0), version(20, 5), version(20, 3), version(15, 0)])).toEqual(
      version(20, 3),
    );
  });

  it('say by code and range why some are missing', () => {
    const codes = [undefined, 'A', 'A', undefined, 'B', 'A', PAYLOAD_MISSING, PAYLOAD_MISSING];
    const reasons = packReasons(codes);
    expect(reasons).toEqual({
      A: [
        [1, 3],
        [5, 6],
      ],
      B: [[4, 5]],
      [PAYLOAD_MISSING]: [[6, 8]],
    });
    expect(unpackReasons(reasons, 8)).toEqual(codes);
  });
});
