import { InferenceError, type SampleBatch } from '@app/inference';
import { describe, expect, it } from 'vitest';
import { measureBatch, type SignalGiver } from './measure-batch.js';

/** A model whose signal of a text is its length; it fails on batches that hold certain texts. */
function modelFailingOn(poison: ReadonlySet<string>, failure: (texts: readonly string[]) => Error) {
  const runs: number[] = [];
  const runtime: SignalGiver = {
    kind: 'onnx',
    signals(batch) {
      const texts = batch.form === 'text' ? batch.texts : [];
      runs.push(texts.length);
      if (texts.some((text) => poison.has(text))) return Promise.reject(failure(texts));
      return Promise.resolve(Float64Array.from(texts, (text) => text.length));
    },
  };
  return { runtime, runs };
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, i) => 'x'.repeat(i + 1));
const batchOf = (list: readonly string[]): SampleBatch => ({ form: 'text', texts: list });
const broken = () => new InferenceError('RUNTIME_OUT_OF_MEMORY', 'too much');

describe('measuring a batch', () => {
  it('is one run where nothing fails', async () => {
    const { runtime, runs } = modelFailingOn(new Set(), broken);
    const { values, codes, broken: code } = await measureBatch(runtime, batchOf(texts(5)), 'loss');
    expect([...values]).toEqual([1, 2, 3, 4, 5]);
    expect(codes).toEqual(Array(5).fill(undefined));
    expect([code, runs]).toEqual([null, [5]]);
  });

  it('finds every sample that breaks the model, wherever it lies, and keeps the others', async () => {
    const all = texts(64);
    for (const poisoned of [[0], [63], [31], [5, 6], [0, 17, 40], [1, 20, 33, 62]]) {
      const { runtime } = modelFailingOn(new Set(poisoned.map((i) => all[i]!)), broken);
      const { values, codes, broken: code } = await measureBatch(runtime, batchOf(all), 'loss');
      expect(code).toBeNull();
      expect(codes.flatMap((found, i) => (found === undefined ? [] : [i]))).toEqual(poisoned);
      all.forEach((text, i) => expect(values[i]).toBe(poisoned.includes(i) ? NaN : text.length));
    }
  });

  it('gives up after three runs of a model that fails on whatever it is given', async () => {
    const all = texts(1024);
    const { runtime, runs } = modelFailingOn(new Set(all), broken);
    const result = await measureBatch(runtime, batchOf(all), 'loss');
    expect(result.broken).toBe('RUNTIME_OUT_OF_MEMORY');
    expect(new Set(result.codes)).toEqual(new Set(['RUNTIME_OUT_OF_MEMORY']));
    expect(result.values.every(Number.isNaN)).toBe(true);
    expect(runs).toEqual([1024, 1, 1]);
  });

  it('takes out the samples that the runtime names, and runs the others once more', async () => {
    const all = texts(100);
    const poison = new Set([all[3]!, all[50]!]);
    const { runtime, runs } = modelFailingOn(poison, (given) => {
      const positions = given.flatMap((text, i) => (poison.has(text) ? [i] : [])).join(',');
      return new InferenceError('RUNTIME_OUTPUT_NOT_FINITE', 'not a number', { details: { positions } });
    });
    const { values, codes } = await measureBatch(runtime, batchOf(all), 'loss');
    expect(runs).toEqual([100, 98]);
    expect([codes[3], codes[50], codes[4]]).toEqual([
      'RUNTIME_OUTPUT_NOT_FINITE',
      'RUNTIME_OUTPUT_NOT_FINITE',
      undefined,
    ]);
    expect([values[2], values[3], values[4], values[99]]).toEqual([3, NaN, 5, 100]);
  });

  it('does not wait for a local model to become faster', async () => {
    const slow = () => new InferenceError('RUNTIME_TIMEOUT', 'slow', { retryable: true });
    const { runtime } = modelFailingOn(new Set(texts(2)), slow);
    expect((await measureBatch(runtime, batchOf(texts(2)), 'loss')).broken).toBe('RUNTIME_TIMEOUT');
    const endpoint = measureBatch({ ...runtime, kind: 'open-inference' }, batchOf(texts(2)), 'loss');
    await expect(endpoint).rejects.toMatchObject({ code: 'RUNTIME_TIMEOUT' });
  });

  it('gives a process that died another chance, and the same batch', async () => {
    const all = texts(8);
    const died = new InferenceError('RUNTIME_PROCESS_DIED', 'gone', { retryable: true });
    const { runtime, runs } = modelFailingOn(new Set(), broken);
    let deaths = 1;
    const mortal: SignalGiver = {
      kind: 'onnx',
      signals: (...given) => {
        deaths -= 1;
        return deaths >= 0 ? Promise.reject(died) : runtime.signals(...given);
      },
    };
    expect((await measureBatch(mortal, batchOf(all), 'loss')).codes.every((code) => code === undefined)).toBe(
      true,
    );
    expect(runs).toEqual([8]);
    const dying = modelFailingOn(new Set(all), () => died);
    expect((await measureBatch(dying.runtime, batchOf(all), 'loss')).broken).toBe('RUNTIME_PROCESS_DIED');
  });

  it('leaves to the queue what may pass by itself, and what nobody expected', async () => {
    const all = texts(4);
    for (const error of [
      new InferenceError('RUNTIME_UNAVAILABLE', 'away', { retryable: true }),
      new TypeError('a bug'),
    ]) {
      const { runtime } = modelFailingOn(new Set(all), () => error);
      await expect(measureBatch(runtime, batchOf(all), 'loss')).rejects.toBe(error);
    }
  });
});
