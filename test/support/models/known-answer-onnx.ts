import { floatConstant, modelBytes, value } from './write-onnx.js';

interface KnownAnswer {
  readonly rows: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly outputs: number;
  readonly A: readonly number[];
  readonly a: readonly number[];
  readonly B: readonly number[];
  readonly b: readonly number[];
}

/** y = relu(x A + a) B + b as an ONNX file. */
export function knownAnswerOnnxFile(known: KnownAnswer): Uint8Array {
  const { rows, inputs, hidden, outputs } = known;
  return modelBytes(
    {
      nodes: [
        { opType: 'Gemm', input: ['x', 'A', 'a'], output: ['s'] },
        { opType: 'Relu', input: ['s'], output: ['h'] },
        { opType: 'Gemm', input: ['h', 'B', 'b'], output: ['y'] },
      ],
      constants: [
        floatConstant('A', [inputs, hidden], known.A),
        floatConstant('a', [hidden], known.a),
        floatConstant('B', [hidden, outputs], known.B),
        floatConstant('b', [outputs], known.b),
      ],
    },
    { inputs: [value('x', [rows, inputs])], outputs: [value('y', [rows, outputs])] },
  );
}
