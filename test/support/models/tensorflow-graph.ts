/** A classifier as a list of TensorFlow operations: what a tfjs GraphModel and a SavedModel both say, each in its own form. */
import type { Classifier, Convolution, Dense } from './classifier.js';

export type Attribute =
  | { readonly type: 'DT_FLOAT' }
  | { readonly shape: readonly (number | null)[] }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly flag: boolean }
  | { readonly tensor: { readonly shape: readonly number[]; readonly values: Float32Array | Int32Array } };

export interface Operation {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

const T: Attribute = { type: 'DT_FLOAT' };

/** Operations in an order in which each comes after its inputs; the first is `input`, the last `output`. */
export function tensorflowOperations(classifier: Classifier): Operation[] {
  const shape = [null, ...classifier.inputShape];
  const operations: Operation[] = [
    { name: 'input', op: 'Placeholder', input: [], attributes: { dtype: T, shape: { shape } } },
  ];
  const add = (name: string, op: string, input: string[], attributes: Operation['attributes']): string => {
    operations.push({ name, op, input, attributes });
    return name;
  };
  const constant = (name: string, dims: number[], values: Float32Array | Int32Array): string => {
    operations.push({
      name,
      op: 'Const',
      input: [],
      attributes: { dtype: T, value: { tensor: { shape: dims, values } } },
    });
    return name;
  };
  let last = 'input';
  classifier.layers.forEach((layer, place) => {
    if (layer.kind === 'convolution') last = addConvolution(layer, last, place);
    else {
      if (classifier.layers[place - 1]?.kind === 'convolution') {
        const shape = constant(`shape${place}`, [2], Int32Array.of(-1, layer.inputs));
        last = add(`flat${place}`, 'Reshape', [last, shape], { T });
      }
      last = addDense(layer, last, place);
    }
  });
  add('output', classifier.softmax ? 'Softmax' : 'Identity', [last], { T });
  return operations;

  function addDense(layer: Dense, from: string, place: number): string {
    const weights = constant(`weights${place}`, [layer.inputs, layer.outputs], layer.weights);
    const product = add(`product${place}`, 'MatMul', [from, weights], {
      T,
      transpose_a: { flag: false },
      transpose_b: { flag: false },
    });
    const sum = add(
      `sum${place}`,
      'BiasAdd',
      [product, constant(`bias${place}`, [layer.outputs], layer.bias)],
      {
        T,
        data_format: { text: 'NHWC' },
      },
    );
    return layer.relu ? add(`relu${place}`, 'Relu', [sum], { T }) : sum;
  }

  function addConvolution(layer: Convolution, from: string, place: number): string {
    const weights = constant(`weights${place}`, [3, 3, layer.inputs, layer.outputs], layer.weights);
    const format = { data_format: { text: 'NHWC' } };
    const convolved = add(`convolution${place}`, 'Conv2D', [from, weights], {
      T,
      ...format,
      strides: { ints: [1, 1, 1, 1] },
      padding: { text: 'SAME' },
      dilations: { ints: [1, 1, 1, 1] },
      explicit_paddings: { ints: [] },
      use_cudnn_on_gpu: { flag: true },
    });
    const bias = constant(`bias${place}`, [layer.outputs], layer.bias);
    const sum = add(`sum${place}`, 'BiasAdd', [convolved, bias], { T, ...format });
    const positive = add(`relu${place}`, 'Relu', [sum], { T });
    if (!layer.pool) return positive;
    return add(`pool${place}`, 'MaxPool', [positive], {
      T,
      ...format,
      ksize: { ints: [1, 2, 2, 1] },
      strides: { ints: [1, 2, 2, 1] },
      padding: { text: 'VALID' },
    });
  }
}
