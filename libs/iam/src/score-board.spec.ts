import { describe, expect, it } from 'vitest';
import { SeededRandom } from './random.js';
import { scoreBoard } from './score-board.js';
import type { SignalKind } from './parameters.js';

const NAMES = [
  'loss',
  'ratio',
  'difference',
  'lira',
  'ratio_online',
  'lira_online',
  'update_lira',
  'iam_batch',
  'iam_whole',
  'iam_frozen',
];

/** Samples of mixed difficulty: the release knows the retained ones as the original did, the others as the shadows do. */
function release(kind: SignalKind, samples = 300, shadows = 2) {
  const random = new SeededRandom(4);
  const loss = (difficulty: number, known: number) => difficulty * known * (0.8 + 0.4 * random.nextUnit());
  const labels = Array.from({ length: samples }, (_, i) => i % 3 !== 0);
  const difficulty = labels.map(() => 0.5 + 2 * random.nextUnit());
  const raw = (losses: number[]) =>
    Float64Array.from(losses, (value) => (kind === 'loss' ? value : Math.exp(-value)));
  return {
    kind,
    labels,
    shadows,
    target: raw(difficulty.map((d, i) => loss(d, labels[i] ? 0.5 : 1))),
    out: raw(difficulty.flatMap((d) => Array.from({ length: shadows }, () => loss(d, 1)))),
    in_: raw(difficulty.map((d) => loss(d, 0.4))),
    resamples: 50,
  };
}

describe.each(['loss', 'probability'] as const)('scoreBoard of kind %s', (kind) => {
  const input = release(kind);
  const board = scoreBoard(input);

  it('has every line, each better than chance, IAM better than the loss', () => {
    expect(Object.keys(board.auc)).toEqual(NAMES);
    for (const [name, row] of Object.entries(board.rows)) {
      expect(row.auc).toBeGreaterThan(0.6);
      expect(board.auc[name]).toBe(row.auc);
      expect(row.aucInterval.low).toBeLessThanOrEqual(row.auc);
      expect(row.aucInterval.high).toBeGreaterThanOrEqual(row.auc);
      expect(Object.keys(row.tpr)).toEqual(['0.1', '0.01']);
    }
    expect(board.auc['iam_frozen']).toBeGreaterThan(board.auc['loss']!);
    expect(board).toMatchObject({ scored: 300, unscorable: 0, retained: 200 });
  });

  it('frozen on the same samples is whole, and one batch of all is whole', () => {
    expect(Math.abs(board.auc['iam_frozen']! - board.auc['iam_whole']!)).toBeLessThan(1e-3);
    expect(scoreBoard({ ...input, batch: 300 }).auc['iam_batch']).toBe(board.auc['iam_whole']);
  });

  it('leaves an unusable sample out of every line and nothing else', () => {
    const target = Float64Array.from(input.target);
    target[5] = NaN;
    const partial = scoreBoard({ ...input, target });
    expect(partial).toMatchObject({ scored: 299, unscorable: 1, retained: 199 });
    expect(Object.values(partial.rows).every(({ membership }) => membership.length === 299)).toBe(true);
    expect(partial.labels.length).toBe(299);
  });

  it('gives the same board for the same seed', () => {
    expect(scoreBoard(input)).toEqual(board);
  });

  it.each([
    ['IAM_LENGTH_MISMATCH', { labels: [true] }],
    ['IAM_LENGTH_MISMATCH', { in_: new Float64Array(3) }],
    ['IAM_ONE_CLASS_MISSING', { labels: input.labels.map(() => true) }],
    ['IAM_SCALE_DEGENERATE', { out: new Float64Array(600).fill(0.5), in_: new Float64Array(300).fill(0.5) }],
  ])('refuses with %s', (code, change) => {
    expect(() => scoreBoard({ ...input, ...change })).toThrow(expect.objectContaining({ code }) as Error);
  });
});

it('survives probabilities of exactly 0 and 1', () => {
  const input = release('probability');
  input.target[0] = 0;
  input.target[1] = 1;
  input.out[4] = 0;
  input.out[5] = 0;
  input.in_[6] = 1;
  expect(scoreBoard(input).unscorable).toBe(0);
});
