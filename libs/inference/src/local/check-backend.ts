import { type Backend, type BackendCheck, isOnnxBackend } from '../backends.js';
import { firstLine } from './first-line.js';
import type { LocalOptions } from './local-options.js';

/** Loads one backend into this process and asks it for the known answer. */
export async function checkBackend(backend: Backend, options: LocalOptions): Promise<BackendCheck> {
  try {
    if (isOnnxBackend(backend)) {
      const { checkOnnxBackend, loadOnnxruntime } = await import('../onnx/onnx-backends.js');
      return await checkOnnxBackend(await loadOnnxruntime(), backend);
    }
    const { loadTensorflow } = await import('../tfjs/tensorflow.js');
    const { useTfjsBackend } = await import('../tfjs/tfjs-backends.js');
    return (await useTfjsBackend(await loadTensorflow(), backend, options.tfjsNodeDirectory)).check;
  } catch (error) {
    return { backend, usable: false, detail: firstLine(error) };
  }
}
