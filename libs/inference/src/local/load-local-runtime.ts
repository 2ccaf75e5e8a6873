/** Loads a model file into this process; the libraries are loaded with the first model that needs them. */
import { InferenceError } from '../errors.js';
import type { ModelRuntime, RuntimeSource } from '../runtime.js';
import type { LocalOptions } from './local-options.js';
import { type FileDeclaration, LocalRuntime } from './local-runtime.js';

export interface LocalSource extends RuntimeSource {
  readonly declaration: FileDeclaration;
}

/** @throws InferenceError RUNTIME_MODEL_BROKEN, RUNTIME_OUT_OF_MEMORY, RUNTIME_UNAVAILABLE */
export async function loadLocalRuntime(source: LocalSource, options: LocalOptions): Promise<ModelRuntime> {
  const { declaration, directory } = source;
  if (directory === null) {
    throw new InferenceError('RUNTIME_MODEL_BROKEN', `an artifact of kind ${declaration.kind} needs files`);
  }
  const load =
    declaration.kind === 'onnx'
      ? (await import('../onnx/onnx-engine.js')).loadOnnxEngine
      : (await import('../tfjs/tfjs-engine.js')).loadTfjsEngine;
  return LocalRuntime.of(await load(declaration, directory, options), declaration);
}
