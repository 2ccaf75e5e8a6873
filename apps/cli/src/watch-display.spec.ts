import { describe, expect, it } from 'vitest';
import { openDisplay, progressText, type WatchedVerification } from './watch-display.js';

const at = (blocksDone: number, change: Partial<WatchedVerification> = {}): WatchedVerification => ({
  result: null,
  progress: {
    status: 'SCORING',
    blocksDone,
    blocksTotal: 4,
    samplesDone: String(blocksDone * 4096),
    samplesTotal: '16384',
    samplesPerSecond: 1234.5,
    secondsLeft: 9.1,
    forwardPasses: '8192',
    signalsReused: '0',
    errorCode: null,
    errorMessage: null,
  },
  ...change,
});

const written = (): { text: string; write(chunk: string): boolean } => ({
  text: '',
  write(chunk) {
    this.text += chunk;
    return true;
  },
});

describe('a watched verification', () => {
  it('is one line of figures', () => {
    expect(progressText(at(2))).toBe(
      'SCORING  blocks 2/4  samples 8192/16384  forward passes 8192  signals reused 0  1235/s  10 s left',
    );
  });

  it('is a line for every change where there is no terminal', () => {
    const output = written();
    const display = openDisplay(output as never);
    for (const blocks of [1, 1, 2, 2, 2, 3]) display.show(at(blocks));
    display.end();
    expect(
      output.text
        .trim()
        .split('\n')
        .map((line) => /blocks \d/.exec(line)![0]),
    ).toEqual(['blocks 1', 'blocks 2', 'blocks 3']);
  });
});
