/** ONNX files that do harm when they are run; both load without complaint. They take `input` `[n, 6]`, float32. */
import onnxProto, { type onnx } from 'onnx-proto';
import { int64Constant, modelBytes, value } from './write-onnx.js';

const proto = onnxProto.onnx;
const ENDS = { inputs: [value('input', ['n', 6])], outputs: [value('output', ['n', 5])] };

/** Adds its rows to themselves for ever: a loop of 2^62 rounds. */
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
    input: ['rounds', 'true', 'input'],
    output: ['looped'],
    attribute: [{ name: 'body', type: proto.AttributeProto.AttributeType.GRAPH, g: body }],
  };
  const cut: onnx.INodeProto = {
    opType: 'Slice',
    input: ['looped', 'from', 'to', 'axes'],
    output: ['output'],
  };
  return modelBytes(
    {
      nodes: [loop, cut],
      constants: [
        int64Constant('rounds', [], [2 ** 62]),
        { name: 'true', dims: [], dataType: proto.TensorProto.DataType.BOOL, rawData: Uint8Array.of(1) },
        int64Constant('from', [1], [0]),
        int64Constant('to', [1], [5]),
        int64Constant('axes', [1], [1]),
      ],
    },
    ENDS,
  );
}

/** Asks for `gibibytes` of zeros, fills them, and answers with five of them a sample. */
export function greedyOnnxFile(gibibytes: number): Uint8Array {
  const nodes: onnx.INodeProto[] = [
    { opType: 'ReduceSum', input: ['input', 'both'], output: ['sum'], attribute: [keepDims(0)] },
    { opType: 'Expand', input: ['sum', 'large'], output: ['filled'] },
    { opType: 'ReduceMax', input: ['filled'], output: ['one'], attribute: [keepDims(0)] },
    { opType: 'Slice', input: ['input', 'from', 'to', 'second'], output: ['five'] },
    { opType: 'Add', input: ['five', 'one'], output: ['output'] },
  ];
  return modelBytes(
    {
      nodes,
      constants: [
        int64Constant('both', [2], [0, 1]),
        int64Constant('large', [2], [gibibytes * 1024, 262_144]),
        int64Constant('from', [1], [0]),
        int64Constant('to', [1], [5]),
        int64Constant('second', [1], [1]),
      ],
    },
    ENDS,
  );
}

function keepDims(keep: number): onnx.IAttributeProto {
  return { name: 'keepdims', type: proto.AttributeProto.AttributeType.INT, i: keep };
}
