/** The two forms of model that TensorFlow.js has of its own, behind one shape. */
import type { io, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { InferenceError } from '../errors.js';
import type { DType, TensorSpec } from '../runtime.js';
import type { TfjsModel } from './tfjs-model.js';

const DTYPES: readonly string[] = ['float32', 'int32', 'bool'] satisfies DType[];

export async function loadLayersModel(handler: io.IOHandler): Promise<TfjsModel> {
  const layers = await import('@tensorflow/tfjs-layers');
  const model = await layers.loadLayersModel(handler);
  const inputs = model.inputs.map(({ name, dtype, shape }) => inputSpec(name, dtype, shape));
  const outputs = model.outputs.map(({ name, dtype, shape }) => ({ name, dtype: dtype as DType, shape }));
  return {
    description: { inputs, outputs },
    predict: (feeds, output) => {
      const given = inputs.map(({ name }) => feeds[name]!);
      const results = [model.predictOnBatch(given)].flat();
      return Promise.resolve(
        keepOne(
          results,
          outputs.findIndex(({ name }) => name === output),
        ),
      );
    },
    dispose: () => void model.dispose(),
  };
}

export async function loadGraphModel(handler: io.IOHandler): Promise<TfjsModel> {
  const converter = await import('@tensorflow/tfjs-converter');
  const model = await converter.loadGraphModel(handler);
  const inputs = model.inputs.map(({ name, dtype, shape }) => inputSpec(name, dtype, shape ?? []));
  const outputs = model.outputs.map(({ name, dtype, shape }) => ({
    name,
    dtype: dtype as DType,
    shape: freeDimensions(shape ?? []),
  }));
  let controlFlow = false;
  return {
    description: { inputs, outputs },
    predict: async (feeds: NamedTensorMap, output) => {
      if (!controlFlow) {
        try {
          return keepOne([model.execute(feeds, output)].flat(), 0);
        } catch (error) {
          // Loops and branches are run by another method, which alone knows them.
          if (!(error instanceof Error && /dynamic op|control flow/i.test(error.message))) throw error;
          controlFlow = true;
        }
      }
      return keepOne([await model.executeAsync(feeds, output)].flat(), 0);
    },
    dispose: () => model.dispose(),
  };
}

export function inputSpec(name: string, dtype: string, shape: readonly (number | null)[]): TensorSpec {
  if (DTYPES.includes(dtype)) return { name, dtype: dtype as DType, shape: freeDimensions(shape) };
  throw new InferenceError(
    'RUNTIME_MODEL_BROKEN',
    `the input ${name} is ${dtype}; inputs must be ${DTYPES.join(', ')}`,
  );
}

export function freeDimensions(shape: readonly (number | null)[]): (number | null)[] {
  return shape.map((size) => (size === null || size < 0 ? null : size));
}

function keepOne(results: readonly Tensor[], place: number): Tensor {
  results.forEach((result, at) => {
    if (at !== place) result.dispose();
  });
  return results[place]!;
}
