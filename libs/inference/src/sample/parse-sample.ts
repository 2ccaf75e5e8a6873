/**
 * A sample as JSON, checked field by field: `{ label, inputs: { <name>: { dtype, shape, data | base64 } } }`,
 * `{ label, npy: { <name>: <a .npy file in base64> } }`,
 * `{ tokens }`, `{ text }` or `{ reference: { url, sha256, sizeBytes } }`. Refusals name the field, never its content.
 * Proven by parse-sample.spec.ts.
 */
import { z } from 'zod';
import type { DType, TensorData } from '../runtime.js';
import { isSampleId } from '../recorded/sample-id.js';
import { NpyFault, readNpy } from './npy.js';
import {
  dimensions,
  inputName,
  labelNumber,
  malformedSample,
  MAX_SAMPLE_BYTES,
  orderedInputs,
  tensorData,
} from './sample-rules.js';
import { DTYPES, elementsOf, type Sample, type SampleTensor } from './sample.js';

const MAX_TOKENS = 1_048_576;

const tensorJson = z.strictObject({
  dtype: z.enum(['float32', 'float64', 'int32', 'int64', 'uint8', 'bool']),
  shape: dimensions,
  // Checked below, element by element: a schema for each number would cost more than all the rest.
  data: z.array(z.unknown()).optional(),
  base64: z.string().optional(),
});

const httpsUrl = z
  .url({ protocol: /^https$/ })
  .max(2000)
  .refine((text) => isPlainUrl(text), 'must hold no user name, password or fragment');

const sampleJson = z.strictObject({
  sampleId: z
    .string()
    .refine(isSampleId, 'must be 1 to 256 characters, without control characters or outer spaces')
    .optional(),
  label: labelNumber.optional(),
  inputs: z.record(inputName, tensorJson).optional(),
  npy: z.record(inputName, z.string()).optional(),
  tokens: z.array(z.unknown()).min(1).max(MAX_TOKENS).optional(),
  text: z.string().min(1).max(MAX_SAMPLE_BYTES).optional(),
  reference: z
    .strictObject({
      url: httpsUrl,
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal digits'),
      sizeBytes: z
        .int()
        .min(1)
        .max(MAX_SAMPLE_BYTES * 4),
    })
    .optional(),
});
type SampleJson = z.output<typeof sampleJson>;

export interface NamedSample {
  /** Null where the object names none. */
  readonly sampleId: string | null;
  readonly sample: Sample;
}

/**
 * Returns the sample that `json` describes.
 * @throws InferenceError SAMPLE_MALFORMED with details.field
 */
export function parseSample(json: unknown): NamedSample {
  const parsed = sampleJson.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw malformedSample(
      issue.path.join('.'),
      issue.code === 'unrecognized_keys' ? 'has unknown fields' : issue.message,
    );
  }
  return { sampleId: parsed.data.sampleId ?? null, sample: sampleOf(parsed.data) };
}

function sampleOf({ label, inputs, npy, tokens, text, reference }: SampleJson): Sample {
  const forms = [inputs, npy, tokens, text, reference].filter((form) => form !== undefined);
  if (forms.length !== 1)
    throw malformedSample('', 'must have exactly one of inputs, npy, tokens, text and reference');
  if (inputs ?? npy) {
    if (label === undefined) throw malformedSample('label', 'is needed with inputs');
    return { form: 'tensors', label, tensors: tensorsOf(inputs ?? inputsOf(npy!)) };
  }
  if (label !== undefined) throw malformedSample('label', 'belongs to inputs');
  if (tokens) return { form: 'tokens', tokens: fill('int32', tokens, 'tokens', 0) as Int32Array };
  if (text !== undefined) return { form: 'text', text };
  return { form: 'reference', ...reference! };
}

/** The same inputs as their files say them. */
function inputsOf(npy: NonNullable<SampleJson['npy']>): NonNullable<SampleJson['inputs']> {
  const read = Object.entries(npy).map(([name, text]) => [name, inputOf(`npy.${name}`, text)] as const);
  return Object.fromEntries(read);
}

function inputOf(field: string, text: string): z.output<typeof tensorJson> {
  try {
    const { dtype, shape, bytes } = readNpy(bytesOfBase64(text, field));
    if (!dimensions.safeParse(shape).success) throw new NpyFault('has a dimension or rank that is not taken');
    return { dtype, shape: [...shape], base64: Buffer.from(bytes).toString('base64') };
  } catch (error) {
    if (!(error instanceof NpyFault)) throw error;
    throw malformedSample(field, error.message);
  }
}

function tensorsOf(inputs: NonNullable<SampleJson['inputs']>): SampleTensor[] {
  const named = Object.entries(inputs).map(([name, input]) => ({ name, ...input }));
  return orderedInputs(named).map(({ name, dtype, shape, data, base64 }) => {
    const field = 'inputs';
    if ((data === undefined) === (base64 === undefined))
      throw malformedSample(field, 'must have data or base64 each, not both');
    const values = data ? fill(dtype, data, field) : fromBase64(dtype, base64!, field);
    const elements = elementsOf(shape);
    if (values.length !== elements)
      throw malformedSample(
        field,
        `must have as many elements as their shape says (${elements}, not ${values.length})`,
      );
    return { name, dtype, shape, data: values };
  });
}

/** A copy: the bytes of a text begin wherever Node puts them. */
const fromBase64 = (dtype: DType, text: string, field: string): TensorData =>
  tensorData(dtype, new Uint8Array(bytesOfBase64(text, field)), field);

function bytesOfBase64(text: string, field: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Node reads what it can of any text: writing it again shows whether that was all of it.
  if (bytes.toString('base64') !== text) throw malformedSample(field, 'must be in base64 with padding');
  return bytes;
}

const INTEGER_RANGE: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  int32: [-2_147_483_648, 2_147_483_647],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint8: [0, 255],
  bool: [0, 1],
};

/** Numbers (for bool also true and false) as elements. */
function fill(dtype: DType, list: readonly unknown[], field: string, least?: number): TensorData {
  const values = DTYPES[dtype].view(new ArrayBuffer(list.length * DTYPES[dtype].bytes), 0, list.length);
  const range = INTEGER_RANGE[dtype];
  const low = least ?? range?.[0] ?? 0;
  for (const [at, raw] of list.entries()) {
    const value = dtype === 'bool' && typeof raw === 'boolean' ? Number(raw) : raw;
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw malformedSample(field, 'must be finite numbers');
    if (range && (!Number.isInteger(value) || value < low || value > range[1]))
      throw malformedSample(field, `must be whole numbers from ${low} to ${range[1]}`);
    if (dtype === 'int64') (values as BigInt64Array)[at] = BigInt(value);
    else (values as Float64Array)[at] = value;
    if (dtype === 'float32' && !Number.isFinite((values as Float32Array)[at]))
      throw malformedSample(field, 'must fit into float32');
  }
  return values;
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, hash } = new URL(text);
  return username === '' && password === '' && hash === '';
}
