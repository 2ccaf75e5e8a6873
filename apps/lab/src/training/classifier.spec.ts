import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newClassifier, train, type Training, trueClassProbabilities } from './classifier.js';
import { loadModel, saveModel } from './saved-model.js';
import { startTensorflow } from './tensorflow.js';

const VOCABULARY = 20;
const bags = Array.from({ length: 60 }, (_none, i) => ({
  id: String(i),
  label: i % 7,
  words: [i % 20, (i * 3 + 1) % 20, (i * 7 + 2) % 20].filter((word, at, all) => all.indexOf(word) === at),
}));
const training: Training = {
  data: bags.slice(0, 40),
  epochs: 30,
  batch: 10,
  learningRate: 0.01,
  direction: 'descent',
  seed: 'order',
};
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const trained = (seed = 'weights') => {
  const model = newClassifier({ vocabulary: VOCABULARY, hidden: 16 }, seed);
  train(model, VOCABULARY, training, () => undefined);
  return model;
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-'));
  await startTensorflow();
});
afterAll(() => rm(folder, { recursive: true }));

describe('classifier', () => {
  it('learns its members and unlearns them by gradient ascent', () => {
    const model = newClassifier({ vocabulary: VOCABULARY, hidden: 16 }, 'weights');
    const signal = () => mean(trueClassProbabilities(model, training.data, VOCABULARY));
    const untrained = signal();
    const epochs: number[] = [];
    train(model, VOCABULARY, training, (epoch) => epochs.push(epoch));
    const member = signal();
    expect(epochs).toEqual(Array.from({ length: 30 }, (_none, i) => i + 1));
    expect(untrained).toBeLessThan(0.1);
    expect(member).toBeGreaterThan(0.3);
    train(model, VOCABULARY, { ...training, direction: 'ascent', epochs: 10 }, () => undefined);
    expect(signal()).toBeLessThan(member / 2);
  });

  it('gives the same bits for the same seeds, others for others', () => {
    const signals = trueClassProbabilities(trained(), bags, VOCABULARY);
    expect(trueClassProbabilities(trained(), bags, VOCABULARY)).toEqual(signals);
    expect(trueClassProbabilities(trained('others'), bags, VOCABULARY)).not.toEqual(signals);
  });

  it('is the same after it was saved and loaded, and saves the same bytes again', async () => {
    const model = trained();
    await saveModel(model, folder);
    const files = () =>
      Promise.all(['model.json', 'weights.bin'].map((name) => readFile(join(folder, name), 'base64')));
    const before = await files();
    const loaded = await loadModel(folder);
    expect(trueClassProbabilities(loaded, bags, VOCABULARY)).toEqual(
      trueClassProbabilities(model, bags, VOCABULARY),
    );
    await saveModel(trained(), folder);
    expect(await files()).toEqual(before);
  });
});
