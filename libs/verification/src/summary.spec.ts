import { describe, expect, it } from 'vitest';
import { aucOfControls, attestedPower } from './summary.js';
import type { Decision } from './verdict.js';

const rate = { rate: 0, low: 0, high: 1 };
const decisionWith = (perSample: number, perRequest: number): Decision =>
  ({
    power: {
      perSample: { ...rate, trials: perSample },
      perRequest: { ...rate, trials: perRequest, groupSize: 5 },
    },
  }) as Decision;

describe('aucOfControls', () => {
  it('is 1 when every control behaves more like a member than every commitment', () => {
    expect(aucOfControls(Float64Array.of(0.1, 0.2), Float64Array.of(0.7, 0.9))).toBe(1);
    expect(aucOfControls(Float64Array.of(0.8), Float64Array.of(0.1))).toBe(0);
  });

  it('leaves out unscorable samples, and is null without one of both kinds', () => {
    expect(aucOfControls(Float64Array.of(NaN, 0.5), Float64Array.of(0.5, NaN))).toBe(0.5);
    expect(aucOfControls(Float64Array.of(NaN), Float64Array.of(0.5))).toBeNull();
    expect(aucOfControls(Float64Array.of(0.5), new Float64Array())).toBeNull();
  });
});

describe('attestedPower', () => {
  it('is null when nothing was tried, so that nobody reads 0 of 0 as a rate', () => {
    expect(attestedPower(decisionWith(5, 1))).toMatchObject({ confidence: 0.95 });
    expect(attestedPower(decisionWith(5, 0))).toBeNull();
    expect(attestedPower(decisionWith(0, 0))).toBeNull();
  });
});
