import { describe, expect, it } from 'vitest';
import { progressRate } from './progress-rate.js';

const START = new Date('2026-11-01T00:00:00.000Z');
const after = (seconds: number) => new Date(START.getTime() + seconds * 1000);
const progress = (samplesDone: bigint, finishedAt: Date | null = null) => ({
  samplesDone,
  samplesReused: 100n,
  samplesTotal: 1100n,
  startedAt: START,
  finishedAt,
});

describe('the rate of a verification', () => {
  it('counts what this verification scored, not what was known', () => {
    expect(progressRate(progress(600n), after(10))).toEqual({ samplesPerSecond: 50, secondsLeft: 10 });
  });

  it('is unknown before the first sample', () => {
    expect(progressRate(progress(100n), after(10))).toEqual({ samplesPerSecond: null, secondsLeft: null });
    expect(progressRate({ ...progress(600n), startedAt: null }, after(10))).toEqual({
      samplesPerSecond: null,
      secondsLeft: null,
    });
  });

  it('stays what it was at the end', () => {
    expect(progressRate(progress(1100n, after(20)), after(500))).toEqual({
      samplesPerSecond: 50,
      secondsLeft: 0,
    });
  });
});
