/**
 * A classifier as an ONNX file (opset 13): input `input` `[n, ...inputShape]`, output `output` `[n, classes]`, float32; n is
 * free unless `batchSize` fixes it.
 */
import onnxProto, { type onnx } from 'onnx-proto';
import type { Classifier, Convolution, Dense } from './classifier.js';

const OPSET = 13;
const proto = onnxProto.onnx;
const FLOAT = proto.TensorProto.DataType.FLOAT;
const INT64 = proto.TensorProto.DataType.INT64;

interface Graph {
  readonly nodes: onnx.INodeProto[];
  readonly constants: onnx.ITensorProto[];
}

export function onnxFile(classifier: Classifier, batchSize: number | 'n' = 'n'): Uint8Array {
  const graph: Graph = { nodes: [], constants: [] };
  let last = 'input';
  const convolutional = classifier.inputShape.length === 3;
  if (convolutional) last = node(graph, 'Transpose', [last], 'channels_first', [ints('perm', [0, 3, 1, 2])]);
  classifier.layers.forEach((layer, place) => {
    if (layer.kind === 'convolution') last = addConvolution(graph, layer, last, place);
    else {
      if (convolutional && classifier.layers[place - 1]?.kind === 'convolution') {
        last = node(graph, 'Transpose', [last], 'channels_last', [ints('perm', [0, 2, 3, 1])]);
        last = node(graph, 'Flatten', [last], 'flat', []);
      }
      last = addDense(graph, layer, last, place);
    }
  });
  const kind = classifier.softmax ? 'Softmax' : 'Identity';
  node(graph, kind, [last], 'output', []);
  return modelBytes(graph, {
    inputs: [value('input', [batchSize, ...classifier.inputShape])],
    outputs: [value('output', [batchSize, classifier.classes])],
  });
}

function addDense(graph: Graph, layer: Dense, from: string, place: number): string {
  const weights = constant(graph, `weights${place}`, [layer.inputs, layer.outputs], layer.weights);
  const bias = constant(graph, `bias${place}`, [layer.outputs], layer.bias);
  const sum = node(graph, 'Gemm', [from, weights, bias], `dense${place}`, []);
  return layer.relu ? node(graph, 'Relu', [sum], `relu${place}`, []) : sum;
}

function addConvolution(graph: Graph, layer: Convolution, from: string, place: number): string {
  const { inputs, outputs } = layer;
  // Ours are [height, width, in, out]; ONNX wants [out, in, height, width].
  const turned = new Float32Array(layer.weights.length);
  for (let at = 0; at < 9; at++) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++)
        turned[(o * inputs + i) * 9 + at] = layer.weights[(at * inputs + i) * outputs + o]!;
    }
  }
  const weights = constant(graph, `weights${place}`, [outputs, inputs, 3, 3], turned);
  const bias = constant(graph, `bias${place}`, [outputs], layer.bias);
  const sum = node(graph, 'Conv', [from, weights, bias], `convolution${place}`, [ints('pads', [1, 1, 1, 1])]);
  const positive = node(graph, 'Relu', [sum], `relu${place}`, []);
  if (!layer.pool) return positive;
  const attributes = [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])];
  return node(graph, 'MaxPool', [positive], `pool${place}`, attributes);
}

function node(
  graph: Graph,
  opType: string,
  input: string[],
  output: string,
  attribute: onnx.IAttributeProto[],
): string {
  graph.nodes.push({ opType, input, output: [output], name: output, attribute });
  return output;
}

function constant(graph: Graph, name: string, dims: number[], values: Float32Array): string {
  graph.constants.push(floatConstant(name, dims, values));
  return name;
}

export function floatConstant(name: string, dims: number[], values: Iterable<number>): onnx.ITensorProto {
  return { name, dims, dataType: FLOAT, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

export function ints(name: string, values: number[]): onnx.IAttributeProto {
  return { name, type: proto.AttributeProto.AttributeType.INTS, ints: values };
}

/** A named input or output; text dimensions are free. */
export function value(
  name: string,
  shape: readonly (string | number)[],
  elemType = FLOAT,
): onnx.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export function int64Constant(name: string, dims: number[], values: readonly number[]): onnx.ITensorProto {
  const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dims, dataType: INT64, rawData };
}

export function modelBytes(
  graph: Graph,
  ends: { readonly inputs: onnx.IValueInfoProto[]; readonly outputs: onnx.IValueInfoProto[] },
): Uint8Array {
  return proto.ModelProto.encode({
    irVersion: 8,
    producerName: 'test',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: 'classifier',
      node: graph.nodes,
      initializer: graph.constants,
      input: ends.inputs,
      output: ends.outputs,
    },
  }).finish();
}
