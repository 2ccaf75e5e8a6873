/** A classifier as a tfjs GraphModel: `model.json` with a TensorFlow graph in JSON form, and one shard of weights. */
import type { Classifier } from './classifier.js';
import type { ModelFiles } from './model-files.js';
import { type Attribute, type Operation, tensorflowOperations } from './tensorflow-graph.js';

export function graphModelFiles(classifier: Classifier): ModelFiles {
  const operations = tensorflowOperations(classifier);
  const constants = operations.flatMap(({ name, attributes }) => {
    const { value } = attributes;
    return value && 'tensor' in value ? [{ name, ...value.tensor }] : [];
  });
  return graphModel({
    nodes: operations.map(nodeJson),
    inputs: {
      input: { name: 'input:0', dtype: 'DT_FLOAT', tensorShape: shapeJson([null, ...classifier.inputShape]) },
    },
    outputs: {
      output: { name: 'output:0', dtype: 'DT_FLOAT', tensorShape: shapeJson([null, classifier.classes]) },
    },
    constants,
  });
}

interface GraphModelParts {
  readonly nodes: readonly object[];
  readonly library?: object;
  readonly inputs: object;
  readonly outputs: object;
  readonly constants: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly values: Float32Array | Int32Array;
  }[];
}

export function graphModel({ nodes, library, inputs, outputs, constants }: GraphModelParts): ModelFiles {
  const json = {
    format: 'graph-model',
    generatedBy: 'test',
    convertedBy: null,
    signature: { inputs, outputs },
    modelTopology: { node: nodes, library: library ?? {}, versions: { producer: 1087 } },
    weightsManifest: [
      {
        paths: ['weights.bin'],
        weights: constants.map(({ name, shape, values }) => ({
          name,
          shape,
          dtype: values instanceof Int32Array ? 'int32' : 'float32',
        })),
      },
    ],
  };
  return {
    'model.json': Buffer.from(JSON.stringify(json)),
    'weights.bin': Buffer.concat(
      constants.map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
    ),
  };
}

function nodeJson({ name, op, input, attributes }: Operation): object {
  const attr = Object.fromEntries(
    Object.entries(attributes).map(([key, attribute]) => [key, attributeJson(attribute)]),
  );
  const value = attributes['value'];
  const dtype = { type: value && 'tensor' in value ? typeOf(value.tensor.values) : 'DT_FLOAT' };
  return { name, op, input, attr: op === 'Const' ? { ...attr, dtype } : attr };
}

function attributeJson(attribute: Attribute): object {
  if ('type' in attribute) return { type: attribute.type };
  if ('shape' in attribute) return { shape: shapeJson(attribute.shape) };
  if ('text' in attribute) return { s: Buffer.from(attribute.text).toString('base64') };
  if ('ints' in attribute) return { list: { i: attribute.ints.map(String) } };
  if ('flag' in attribute) return { b: attribute.flag };
  return {
    tensor: { dtype: typeOf(attribute.tensor.values), tensorShape: shapeJson(attribute.tensor.shape) },
  };
}

const typeOf = (values: Float32Array | Int32Array): string =>
  values instanceof Int32Array ? 'DT_INT32' : 'DT_FLOAT';

export function shapeJson(shape: readonly (number | null)[]): object {
  return { dim: shape.map((size) => ({ size: String(size ?? -1) })) };
}
