import { describe, expect, it } from 'vitest';
import { failureOf } from '../../../../test/support/failure-of.js';
import { positionsOf } from '../errors.js';
import { signalsOfOutput } from './signals-of-output.js';

const rows = (...values: number[][]) => ({
  shape: [values.length, values[0]!.length],
  data: Float32Array.from(values.flat()),
});

describe('signals of an output', () => {
  it('logits: softmax and cross entropy, also far from zero', () => {
    const output = rows([0, Math.log(3)], [-2000, 2000], [3e38, 0]);
    const labels = Int32Array.of(1, 0, 0);
    const probabilities = signalsOfOutput(output, labels, 'logits', 'probability');
    expect(probabilities[0]).toBeCloseTo(0.75, 7);
    expect([...probabilities.slice(1)]).toEqual([0, 1]);
    const losses = signalsOfOutput(output, labels, 'logits', 'loss');
    expect(losses[0]).toBeCloseTo(-Math.log(0.75), 7);
    expect([...losses.slice(1)]).toEqual([4000, 0]);
  });

  it('probabilities: as they are, and their logarithm; zero has a finite loss', () => {
    const output = rows([0.25, 0.75], [0, 1], [1.0005, -0.0005]);
    const labels = Int32Array.of(1, 0, 0);
    expect([...signalsOfOutput(output, labels, 'probabilities', 'probability')]).toEqual([0.75, 0, 1]);
    const losses = signalsOfOutput(output, labels, 'probabilities', 'loss');
    expect(losses[0]).toBeCloseTo(-Math.log(0.75), 12);
    expect(losses[1]).toBeCloseTo(103.6, 1);
    expect(losses[2]).toBe(0);
  });

  it.each([
    ['a row too few', { shape: [1, 2], data: new Float32Array(2) }],
    ['one class', { shape: [2, 1], data: new Float32Array(2) }],
    ['three dimensions', { shape: [2, 1, 2], data: new Float32Array(4) }],
    ['none', { shape: [], data: new Float32Array(1) }],
    ['fewer numbers than its shape says', { shape: [2, 2], data: new Float32Array(3) }],
  ])('an output with %s is no row of classes', (_what, output) => {
    const error = failureOf(() => signalsOfOutput(output, Int32Array.of(0, 0), 'logits', 'loss'));
    expect(error).toMatchObject({ code: 'RUNTIME_OUTPUT_MISMATCH' });
  });

  it.each([[[0.5, 0.6]], [[1.5, -0.5]], [[0.2, 0.2]], [[2, 3]]])('%j is no row of probabilities', (row) => {
    const error = failureOf(() =>
      signalsOfOutput(rows([0.5, 0.5], row), Int32Array.of(0, 0), 'probabilities', 'loss'),
    );
    expect(error).toMatchObject({ code: 'RUNTIME_OUTPUT_MISMATCH' });
    expect(positionsOf(error)).toEqual([1]);
  });

  it.each(['logits', 'probabilities'] as const)('%s that are not finite name their samples', (form) => {
    const output = rows([0.5, 0.5], [NaN, 0.5], [0.5, 0.5], [NaN, NaN]);
    const error = failureOf(() => signalsOfOutput(output, Int32Array.of(0, 1, 0, 0), form, 'probability'));
    expect(error).toMatchObject({ code: 'RUNTIME_OUTPUT_NOT_FINITE' });
    expect(positionsOf(error)).toEqual([1, 3]);
  });
});
