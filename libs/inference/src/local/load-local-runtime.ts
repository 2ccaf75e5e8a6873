/** Loads a model file into this process; the libraries are loaded with the first model that needs them. */
import { InferenceError } from '../errors.js';
import type { ModelRuntime, RuntimeOptions, RuntimeSource } from '../runtime.js';
import { type FileDeclaration, LocalRuntime } from './local-runtime.js';

export interface LocalSource extends RuntimeSource {
  readonly declaration: FileDeclaration;
}

export function isLocalSource(source: RuntimeSource): source is LocalSource {
  return source.declaration.kind === 'onnx' || source.declaration.kind === 'tfjs';
}

/** @throws InferenceError RUNTIME_MODEL_BROKEN, RUNTIME_OUT_OF_MEMORY, RUNTIME_UNAVAILABLE */
export async function loadLocalRuntime(source: LocalSource, options: RuntimeOptions): Promise<ModelRuntime> {
  const { declaration, directory } = source;
  if (directory === null) {
    throw new InferenceError('RUNTIME_MODEL_BROKEN', `an artifact of kind ${declaration.kind} needs files`);
  }
  const { loadOnnxEngine } = await import('../onnx/onnx-engine.js');
  return LocalRuntime.of(await loadOnnxEngine(declaration, directory, options), declaration);
}
