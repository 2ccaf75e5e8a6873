/**
 * A classifier as a TensorFlow SavedModel: one graph with its weights as constants, tagged `serve`, with the signature
 * `serving_default` from `input` to `output`. Field numbers: saved_model.proto, meta_graph.proto, graph.proto of TensorFlow 2.9.
 */
import type { Classifier } from './classifier.js';
import type { ModelFiles } from './model-files.js';
import { type Field, message, varint } from './protobuf.js';
import { type Attribute, type Operation, tensorflowOperations } from './tensorflow-graph.js';

const DT_FLOAT = 1;
const DT_INT32 = 3;
/** Graphs of TensorFlow 2.9. */
const PRODUCER = 1087;

export function savedModelFiles(classifier: Classifier): ModelFiles {
  const nodes = tensorflowOperations(classifier).map((operation): Field => [1, nodeDef(operation)]);
  const graph = message(...nodes, [4, message([1, PRODUCER])]);
  const signature = message(
    [1, entry('input', tensorInfo('input:0', [null, ...classifier.inputShape]))],
    [2, entry('output', tensorInfo('output:0', [null, classifier.classes]))],
    [3, 'tensorflow/serving/predict'],
  );
  const metaGraph = message([1, message([4, 'serve'])], [2, graph], [5, entry('serving_default', signature)]);
  return { 'saved_model.pb': message([1, 1], [2, metaGraph]) };
}

function nodeDef({ name, op, input, attributes }: Operation): Uint8Array {
  const inputs = input.map((from): Field => [3, from]);
  const attrs = Object.entries(attributes).map(([key, value]): Field => [5, entry(key, attrValue(value))]);
  const { value } = attributes;
  // A constant's element type is that of its values.
  const dtype: Field[] =
    value && 'tensor' in value ? [[5, entry('dtype', message([6, dtypeOf(value.tensor.values)]))]] : [];
  return message([1, name], [2, op], ...inputs, ...attrs, ...dtype);
}

function attrValue(attribute: Attribute): Uint8Array {
  if ('type' in attribute) return message([6, DT_FLOAT]);
  if ('shape' in attribute) return message([7, shapeProto(attribute.shape)]);
  if ('text' in attribute) return message([2, attribute.text]);
  if ('flag' in attribute) return message([5, attribute.flag ? 1 : 0]);
  if ('ints' in attribute) {
    const packed = Buffer.concat(attribute.ints.map((value) => varint(BigInt(value))));
    return message([1, packed.length > 0 ? message([3, packed]) : new Uint8Array(0)]);
  }
  const { shape, values } = attribute.tensor;
  const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message([8, message([1, dtypeOf(values)], [2, shapeProto(shape)], [4, content])]);
}

function tensorInfo(name: string, shape: readonly (number | null)[]): Uint8Array {
  return message([1, name], [2, DT_FLOAT], [3, shapeProto(shape)]);
}

function shapeProto(shape: readonly (number | null)[]): Uint8Array {
  return message(...shape.map((size): Field => [2, message([1, size ?? -1])]));
}

const entry = (key: string, value: Uint8Array): Uint8Array => message([1, key], [2, value]);

const dtypeOf = (values: Float32Array | Int32Array): number =>
  values instanceof Int32Array ? DT_INT32 : DT_FLOAT;
