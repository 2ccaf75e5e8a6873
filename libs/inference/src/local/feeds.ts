/**
 * From a batch to what a model's inputs take: each tensor matched by name (or, where there is one of each, without), its
 * shape compared, its numbers widened where that is exact, and refused where it would lose anything.
 * Proven by feeds.spec.ts and by the conformance suite.
 */
import { InferenceError } from '../errors.js';
import type { DType, SampleBatch, TensorBatch, TensorData, TensorSpec } from '../runtime.js';

export interface Feed {
  readonly name: string;
  readonly dtype: DType;
  /** Of the whole batch, samples first. */
  readonly shape: readonly number[];
  readonly data: TensorData;
}

type Tensors = Extract<SampleBatch, { form: 'tensors' }>;

/** To which element types a type can be converted without loss, itself aside. */
const WIDER: Readonly<Record<DType, readonly DType[]>> = {
  bool: ['uint8', 'int32', 'int64', 'float32', 'float64'],
  uint8: ['int32', 'int64', 'float32', 'float64'],
  int32: ['int64', 'float64'],
  float32: ['float64'],
  int64: [],
  float64: [],
};

/**
 * Returns one feed for each input, in the order of `inputs`.
 * @throws InferenceError RUNTIME_INPUT_MISMATCH
 */
export function feedsOf(batch: SampleBatch, inputs: readonly TensorSpec[]): Feed[] {
  const tensors = tensorsOf(batch).tensors;
  if (tensors.length !== inputs.length) {
    throw mismatch(
      `the model takes ${inputs.length} input(s) (${names(inputs)}), the samples have ${tensors.length} tensor(s)`,
    );
  }
  return inputs.map((input) => {
    const tensor = inputs.length === 1 ? tensors[0] : tensors.find(({ name }) => name === input.name);
    if (!tensor) throw mismatch(`no tensor is named ${input.name}; the model takes ${names(inputs)}`);
    return feed(tensor, input, batch.form === 'tensors' ? batch.count : 0);
  });
}

/** The batch as tensors: a model file takes no text. @throws InferenceError RUNTIME_INPUT_MISMATCH */
export function tensorsOf(batch: SampleBatch): Tensors {
  if (batch.form === 'tensors') return batch;
  throw mismatch(`the model takes tensors, the samples are ${batch.form}`);
}

function feed(tensor: TensorBatch, input: TensorSpec, count: number): Feed {
  const wanted = input.shape.slice(1);
  const fits =
    tensor.shape.length === wanted.length &&
    wanted.every((size, axis) => size === null || size === tensor.shape[axis]);
  if (!fits) {
    throw mismatch(
      `input ${input.name} takes samples of shape [${wanted.map((size) => size ?? '?').join(', ')}], ` +
        `these are [${tensor.shape.join(', ')}]`,
    );
  }
  const size = tensor.shape.reduce((product, length) => product * length, count);
  if (tensor.data.length !== size) {
    throw mismatch(
      `input ${input.name} holds ${tensor.data.length} numbers, ${count} samples of its shape are ${size}`,
    );
  }
  return {
    name: input.name,
    dtype: input.dtype,
    shape: [count, ...tensor.shape],
    data: widened(tensor, input),
  };
}

function widened(tensor: TensorBatch, input: TensorSpec): TensorData {
  if (tensor.dtype === input.dtype) return tensor.data;
  if (!WIDER[tensor.dtype].includes(input.dtype)) {
    throw mismatch(
      `input ${input.name} takes ${input.dtype}; ${tensor.dtype} cannot be converted to it without loss`,
    );
  }
  // Only int64 is held as bigint, and nothing is wider than int64.
  const numbers = tensor.data as Exclude<TensorData, BigInt64Array>;
  // Constructors copy a typed array natively; `from` would go number by number.
  switch (input.dtype) {
    case 'float32':
      return new Float32Array(numbers);
    case 'float64':
      return new Float64Array(numbers);
    case 'int32':
      return new Int32Array(numbers);
    case 'int64':
      return BigInt64Array.from(numbers as Uint8Array, BigInt);
    case 'uint8':
    case 'bool':
      return new Uint8Array(numbers);
  }
}

const names = (inputs: readonly TensorSpec[]): string => inputs.map(({ name }) => name).join(', ');

function mismatch(message: string): InferenceError {
  return new InferenceError('RUNTIME_INPUT_MISMATCH', message);
}
