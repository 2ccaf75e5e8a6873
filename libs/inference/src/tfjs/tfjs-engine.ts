/** A LayersModel, GraphModel or SavedModel in TensorFlow.js. Proven by tfjs-runtime.spec.ts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { isTfjsBackend } from '../backends.js';
import { InferenceError } from '../errors.js';
import type { Feed } from '../local/feeds.js';
import type { Engine, FileDeclaration } from '../local/local-runtime.js';
import type { LocalOptions } from '../local/local-options.js';
import { entryFile } from '../local/model-file.js';
import { loadFault, runFault } from '../local/model-fault.js';
import type { ModelOutput } from '../local/signals-of-output.js';
import type { ModelDescription } from '../runtime.js';
import { loadSavedModel } from './saved-model.js';
import { loadTensorflow, type Tensorflow } from './tensorflow.js';
import { type LoadedBackend, useTfjsBackend } from './tfjs-backends.js';
import type { TfjsModel } from './tfjs-model.js';
import { loadGraphModel, loadLayersModel } from './tfjs-models.js';

export async function loadTfjsEngine(
  declaration: FileDeclaration,
  directory: string,
  options: LocalOptions,
): Promise<Engine> {
  const path = entryFile(directory, declaration.entry);
  const tf = await loadTensorflow();
  const backend = await firstUsable(tf, options);
  try {
    const model = existsSync(join(path, 'saved_model.pb'))
      ? await loadSavedModel(path, backend.node)
      : await loadModelJson(directory, declaration.entry);
    return new TfjsEngine(tf, model, backend.name);
  } catch (error) {
    throw loadFault(error, directory);
  }
}

async function loadModelJson(directory: string, entry: string): Promise<TfjsModel> {
  const { readModelJson } = await import('./model-json.js');
  const { form, handler } = await readModelJson(directory, entry);
  return form === 'graph' ? loadGraphModel(handler) : loadLayersModel(handler);
}

class TfjsEngine implements Engine {
  constructor(
    private readonly tf: Tensorflow,
    private readonly model: TfjsModel,
    readonly backend: string,
  ) {}

  get description(): ModelDescription {
    return this.model.description;
  }

  async run(feeds: readonly Feed[], output: string): Promise<ModelOutput> {
    const inputs: NamedTensorMap = {};
    try {
      for (const feed of feeds) inputs[feed.name] = this.tensorOf(feed);
      const tensor = await this.model.predict(inputs, output);
      try {
        const data = await tensor.data();
        if (data instanceof Float32Array) return { shape: tensor.shape, data };
      } finally {
        tensor.dispose();
      }
    } catch (error) {
      throw runFault(error);
    } finally {
      this.tf.dispose(inputs);
    }
    throw new InferenceError('RUNTIME_OUTPUT_MISMATCH', `the output ${output} must be float32`);
  }

  dispose(): void {
    this.model.dispose();
  }

  private tensorOf({ data, dtype, shape }: Feed): Tensor {
    return this.tf.tensor(data as Float32Array, [...shape], dtype as 'float32' | 'int32' | 'bool');
  }
}

async function firstUsable(tf: Tensorflow, options: LocalOptions): Promise<LoadedBackend> {
  for (const backend of options.backends.filter(isTfjsBackend)) {
    const loaded = await useTfjsBackend(tf, backend, options.tfjsNodeDirectory);
    if (loaded.check.usable) return loaded;
  }
  throw new InferenceError(
    'RUNTIME_UNAVAILABLE',
    'no backend for TensorFlow.js works on this machine; `lacuna doctor` says why, LACUNA_INFERENCE_BACKENDS which are allowed',
    { retryable: true },
  );
}
