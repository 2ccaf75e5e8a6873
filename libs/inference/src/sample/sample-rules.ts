/**
 * What every sample of tensors keeps to, in whichever form it comes: JSON, .npy or .npz. Refusals name the field, never its
 * content. Pure; proven by parse-sample.spec.ts and npz/parse-npz.spec.ts.
 */
import { z } from 'zod';
import { InferenceError } from '../errors.js';
import type { DType, TensorData } from '../runtime.js';
import { DTYPES, elementsOf, type SampleTensor } from './sample.js';

/** Of one sample; a larger one is kept by its owner and stored as a reference. */
export const MAX_SAMPLE_BYTES = 8 * 1024 * 1024;
export const MAX_INPUTS = 16;
const MAX_RANK = 8;
const MAX_NAME_LENGTH = 100;
/** payload.ts writes the length of a name, in UTF-8, into one byte. */
const MAX_NAME_BYTES = 255;
const MAX_LABEL = 2_147_483_647;

export const inputName = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .refine((name) => Buffer.byteLength(name) <= MAX_NAME_BYTES, `must have at most ${MAX_NAME_BYTES} bytes`);
export const dimensions = z.array(z.int().min(1).max(MAX_SAMPLE_BYTES)).max(MAX_RANK);
export const labelNumber = z.int().min(0).max(MAX_LABEL);

/** An input as all samples of one layout have it. */
export type InputLayout = Omit<SampleTensor, 'data'>;

export function malformedSample(field: string, why: string): InferenceError {
  const what = field === '' ? 'the sample' : field;
  return new InferenceError('SAMPLE_MALFORMED', `${what} ${why}`, { details: { field } });
}

/**
 * The inputs of a sample in order of their names.
 * @param inputs each with a name of its own
 * @throws InferenceError SAMPLE_MALFORMED: none, too many or too large
 */
export function orderedInputs<T extends InputLayout>(inputs: readonly T[]): T[] {
  if (inputs.length < 1 || inputs.length > MAX_INPUTS)
    throw malformedSample('inputs', `must name 1 to ${MAX_INPUTS} inputs`);
  if (inputs.reduce((sum, input) => sum + bytesOfInput(input), 0) > MAX_SAMPLE_BYTES)
    throw malformedSample(
      'inputs',
      `have more than ${MAX_SAMPLE_BYTES} bytes; keep the sample and store a reference`,
    );
  return [...inputs].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Bytes of one input of one sample. */
export const bytesOfInput = ({ dtype, shape }: InputLayout): number =>
  elementsOf(shape) * DTYPES[dtype].bytes;

/**
 * Little-endian bytes as elements, not copied.
 * @param bytes begin at a multiple of the element's width in their buffer
 * @throws InferenceError SAMPLE_MALFORMED: half an element, or one that is none
 */
export function tensorData(dtype: DType, bytes: Uint8Array, field: string): TensorData {
  const width = DTYPES[dtype].bytes;
  if (bytes.length % width !== 0) throw malformedSample(field, 'must be whole elements, little-endian');
  const values = DTYPES[dtype].view(bytes.buffer, bytes.byteOffset, bytes.length / width);
  if (dtype === 'bool' && bytes.some((byte) => byte > 1))
    throw malformedSample(field, 'of bool must be 0 or 1');
  if (dtype === 'float32' || dtype === 'float64')
    for (const value of values as Float32Array)
      if (!Number.isFinite(value)) throw malformedSample(field, 'must be finite numbers');
  return values;
}
