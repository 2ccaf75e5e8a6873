/**
 * ONNX files that do harm when certain samples are run: they load without complaint, and behave while the largest number of a
 * batch is small. They take `input` `[n, 6]`, float32, and answer with its first five numbers.
 */
import onnxProto, { type onnx } from 'onnx-proto';
import { int64Constant, modelBytes, value } from './write-onnx.js';

const proto = onnxProto.onnx;
const ENDS = { inputs: [value('input', ['n', 6])], outputs: [value('output', ['n', 5])] };

/** The largest number of the batch as a whole number. */
const LARGEST: onnx.INodeProto[] = [
  { opType: 'ReduceMax', input: ['input'], output: ['largest_float'], attribute: [keepDims(0)] },
  {
    opType: 'Cast',
    input: ['largest_float'],
    output: ['largest'],
    attribute: [
      { name: 'to', type: proto.AttributeProto.AttributeType.INT, i: proto.TensorProto.DataType.INT64 },
    ],
  },
];

const FIRST_FIVE = [
  int64Constant('from', [1], [0]),
  int64Constant('to', [1], [5]),
  int64Constant('axis', [1], [1]),
];

/** Loops as many rounds as the largest number says: with 1e15 it never ends. */
export function hangingOnnxFile(): Uint8Array {
  const body: onnx.IGraphProto = {
    name: 'body',
    node: [
      { opType: 'Identity', input: ['goes_on'], output: ['still'] },
      { opType: 'Abs', input: ['kept'], output: ['next'] },
    ],
    input: [
      value('round', [], proto.TensorProto.DataType.INT64),
      value('goes_on', [], proto.TensorProto.DataType.BOOL),
      value('kept', ['n', 6]),
    ],
    output: [value('still', [], proto.TensorProto.DataType.BOOL), value('next', ['n', 6])],
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
        { name: 'true', dims: [], dataType: proto.TensorProto.DataType.BOOL, rawData: Uint8Array.of(1) },
      ],
    },
    ENDS,
  );
}

/** Fills a mebibyte, and as many gibibytes more as the largest number says. */
export function greedyOnnxFile(): Uint8Array {
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
        int64Constant('thousand', [2], [1024, 0]),
        int64Constant('row', [2], [1, 262_144]),
        { name: 'zero', dims: [], dataType: proto.TensorProto.DataType.FLOAT, rawData: new Uint8Array(4) },
      ],
    },
    ENDS,
  );
}

function firstFive(from: string, to: string): onnx.INodeProto {
  return { opType: 'Slice', input: [from, 'from', 'to', 'axis'], output: [to] };
}

function keepDims(keep: number): onnx.IAttributeProto {
  return { name: 'keepdims', type: proto.AttributeProto.AttributeType.INT, i: keep };
}
