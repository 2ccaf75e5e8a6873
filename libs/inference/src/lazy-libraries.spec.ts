/** A daemon that runs no model must not pay for the libraries: they come with the first model. */
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';

const { cache } = createRequire(import.meta.url);
const loaded = (): string[] => Object.keys(cache).filter((path) => /onnxruntime-node|@tensorflow/.test(path));

it('loading the lib loads neither onnxruntime nor TensorFlow.js', async () => {
  await import('./index.js');
  expect(loaded()).toEqual([]);
  const { loadOnnxruntime } = await import('./onnx/onnx-backends.js');
  await loadOnnxruntime();
  expect(loaded().length).toBeGreaterThan(0);
});
