/** A TensorFlow SavedModel, which only the native package can run: its graph tagged `serve`, signature `serving_default`. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { InferenceError } from '../errors.js';
import type { DType } from '../runtime.js';
import type { SignatureTensor, TensorflowNode } from './tfjs-backends.js';
import type { TfjsModel } from './tfjs-model.js';
import { freeDimensions, inputSpec } from './tfjs-models.js';

const TAG = 'serve';
const SIGNATURE = 'serving_default';

export async function loadSavedModel(path: string, native: TensorflowNode | null): Promise<TfjsModel> {
  if (!native) {
    throw new InferenceError(
      'RUNTIME_UNAVAILABLE',
      'a SavedModel needs @tensorflow/tfjs-node with its native addon (`npm run gpu:install`), or convert it to a GraphModel',
      { retryable: true },
    );
  }
  const graphs = await native.node.getMetaGraphsFromSavedModel(path);
  const signature = graphs.find(({ tags }) => tags.includes(TAG))?.signatureDefs[SIGNATURE];
  if (!signature) {
    throw new InferenceError(
      'RUNTIME_MODEL_BROKEN',
      `the SavedModel has no graph tagged ${TAG} with a signature ${SIGNATURE}`,
    );
  }
  const model = await native.node.loadSavedModel(path, [TAG], SIGNATURE);
  const inputs = Object.entries(signature.inputs).map(([name, tensor]) =>
    inputSpec(name, tensor.dtype, shapeOf(tensor)),
  );
  const outputs = Object.entries(signature.outputs).map(([name, tensor]) => ({
    name,
    dtype: tensor.dtype as DType,
    shape: shapeOf(tensor),
  }));
  return {
    description: { inputs, outputs },
    predict: (feeds, output) => {
      const results = model.predict(feeds) as Record<string, Tensor>;
      for (const [name, result] of Object.entries(results)) if (name !== output) result.dispose();
      return Promise.resolve(results[output]!);
    },
    dispose: () => model.dispose(),
  };
}

function shapeOf({ shape }: SignatureTensor): (number | null)[] {
  return freeDimensions(shape.map((size) => (typeof size === 'number' ? size : size.getSize())));
}
