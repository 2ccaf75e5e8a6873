/**
 * ONNX files that do harm when certain samples are run: they load without complaint, and behave while the largest number of a
 * batch is small. They take `input` `[n, features]`, float32, and answer with its first five numbers.
 */
import onnxProto, { type onnx } from 'onnx-proto';
import { int64Constant, modelBytes, value } from './write-onnx.js';

const proto = onnxProto.onnx;

export interface FaultyModel {
  readonly features?: number;
  /** What the largest number is multiplied by: with a large one every batch does harm. */
  readonly factor?: number;
}

const endsOf = (features: number) => ({
  inputs: [value('input', ['n', features])],
  outputs: [value('output', ['n', 5])],
});

/** The largest number of the batch as a whole number, `factor` times. */
const LARGEST: onnx.INodeProto[] = [
  { opType: 'ReduceMax', input: ['input'], output: ['largest_float'], attribute: [keepDims(0)] },
  {
    opType: 'Cast',
    input: ['largest_float'],
    output: ['largest_whole'],
    attribute: [
      { name: 'to', type: proto.AttributeProto.AttributeType.INT, i: proto.TensorProto.DataType.INT64 },
    ],
  },
  { opType: 'Mul', input: ['largest_whole', 'factor'], output: ['largest'] },
];

const FIRST_FIVE = [
  int64Constant('from', [1], [0]),
  int64Constant('to', [1], [5]),
  int64Constant('axis', [1], [1]),
];

/** Loops as many rounds as the largest number says: with 1e15 it never ends. */
export function hangingOnnxFile({ features = 6, factor = 1 }: FaultyModel = {}): Uint8Array {
  const body: onnx.IGraphProto = {
    name: 'body',
    node: [
      { opType: 'Identity', input: ['goes_on'], output: ['still'] },
      { opType: 'Abs', input: ['kept'], output: ['next'] },
    ],
    input: [
      value('round', [], proto.TensorProto.DataType.INT64),
      value('goes_on', [], proto.TensorProto.DataType.BOOL),
      value('kept', ['n', features]),
    ],
    output: [value('still', [], proto.TensorProto.DataType.BOOL), value('next', ['n', features])],
  };
  const loop: onnx.INodeProto = {
    opType: 'Loop',
    name: 'for_ever',
    input: ['largest', 'true', 'input'],
    output: ['looped'],
    attribute: [{ name: 'body', type: proto.AttributeProto.AttributeType.GRAPH, g: body }],
  };
  return modelBytes(
    {
      nodes: [...LARGEST, loop, firstFive('looped', 'output')],
      constants: [
        ...FIRST_FIVE,
        int64Constant('factor', [], [factor]),
        { name: 'true', dims: [], dataType: proto.TensorProto.DataType.BOOL, rawData: Uint8Array.of(1) },
      ],
    },
    endsOf(features),
  );
}

/** Fills a mebibyte, and as many gibibytes more as the largest number says. */
export function greedyOnnxFile({ features = 6, factor = 1 }: FaultyModel = {}): Uint8Array {
  return modelBytes(
    {
      nodes: [
        ...LARGEST,
        { opType: 'Mul', input: ['largest', 'thousand'], output: ['mebibytes'] },
        { opType: 'Add', input: ['mebibytes', 'row'], output: ['size'] },
        { opType: 'Expand', input: ['zero', 'size'], output: ['filled'] },
        { opType: 'ReduceMax', input: ['filled'], output: ['still_zero'], attribute: [keepDims(0)] },
        firstFive('input', 'five'),
        { opType: 'Add', input: ['five', 'still_zero'], output: ['output'] },
      ],
      constants: [
        ...FIRST_FIVE,
        int64Constant('factor', [], [factor]),
        int64Constant('thousand', [2], [1024, 0]),
        int64Constant('row', [2], [1, 262_144]),
        { name: 'zero', dims: [], dataType: proto.TensorProto.DataType.FLOAT, rawData: new Uint8Array(4) },
      ],
    },
    endsOf(features),
  );
}

function firstFive(from: string, to: string): onnx.INodeProto {
  return { opType: 'Slice', input: [from, 'from', 'to', 'axis'], output: [to] };
}

function keepDims(keep: number): onnx.IAttributeProto {
  return { name: 'keepdims', type: proto.AttributeProto.AttributeType.INT, i: keep };
}
