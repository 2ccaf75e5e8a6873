/** TensorFlow.js with its WebAssembly backend on one thread: the same numbers in every run on one machine. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../errors.js';

/** @throws LabError `LAB_BACKEND_MISSING` */
export async function startTensorflow(): Promise<void> {
  const { resolve } = createRequire(import.meta.url);
  const folder = dirname(resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  setWasmPaths(join(folder, 'wasm-out', '/'));
  // Two models are trained at a time, each in its own process: more threads would only get in each other's way.
  setThreadsCount(1);
  if (await tf.setBackend('wasm')) return;
  throw new LabError('LAB_BACKEND_MISSING', 'the WebAssembly backend of TensorFlow.js does not start here');
}
