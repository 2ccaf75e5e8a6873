/**
 * A sample as bytes, for the vault, and back. Little-endian throughout:
 *
 *   tensors    01 | count of inputs u8 | bytes before the data u16 | label i32
 *              then for each input: length of name u8, name, dtype u8, rank u8, each dimension u32
 *              then zeros up to a multiple of 8, then the data of each input, each filled up to a multiple of 8
 *   tokens     02 00 0000 | each token i32
 *   text       03 | UTF-8
 *   reference  04 | UTF-8 JSON { url, sha256, sizeBytes }
 *
 * One sample has one encoding, so that equal samples have equal bytes; and samples of one layout have equal heads but for
 * the label, so that a batch is filled by copying. Proven by payload.spec.ts.
 */
import { InferenceError } from '../errors.js';
import type { DType } from '../runtime.js';
import { bytesOfTensor, DTYPES, elementsOf, type Sample, type SampleTensor } from './sample.js';

export const FORM_BYTE = { tensors: 1, tokens: 2, text: 3, reference: 4 } as const;
const DTYPE_ORDER: readonly DType[] = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'];
/** Every tensor begins at a multiple of the widest element. */
const ALIGNMENT = 8;
/** Before the description of the inputs. */
export const FIXED_HEAD_BYTES = 8;
export const LABEL_OFFSET = 4;

const aligned = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

/** Returns the one encoding of a sample; the limits of sample-rules.ts keep every field in range. */
export function encodeSample(sample: Sample): Uint8Array {
  switch (sample.form) {
    case 'tensors':
      return encodeTensors(sample.label, sample.tensors);
    case 'tokens': {
      const bytes = Buffer.alloc(4 + sample.tokens.length * 4);
      bytes[0] = FORM_BYTE.tokens;
      bytes.set(bytesOfTensor(sample.tokens), 4);
      return bytes;
    }
    case 'text':
      return Buffer.concat([Buffer.of(FORM_BYTE.text), Buffer.from(sample.text, 'utf8')]);
    case 'reference': {
      const { url, sha256, sizeBytes } = sample;
      const json = JSON.stringify({ url, sha256, sizeBytes });
      return Buffer.concat([Buffer.of(FORM_BYTE.reference), Buffer.from(json, 'utf8')]);
    }
  }
}

function encodeTensors(label: number, tensors: readonly SampleTensor[]): Uint8Array {
  const layout = tensors.map(({ name, dtype, shape }) => {
    const text = Buffer.from(name, 'utf8');
    const part = Buffer.alloc(1 + text.length + 2 + shape.length * 4);
    part[0] = text.length;
    part.set(text, 1);
    part[1 + text.length] = DTYPE_ORDER.indexOf(dtype);
    part[2 + text.length] = shape.length;
    shape.forEach((size, at) => part.writeUInt32LE(size, 3 + text.length + at * 4));
    return part;
  });
  const head = aligned(FIXED_HEAD_BYTES + layout.reduce((sum, part) => sum + part.length, 0));
  const sizes = tensors.map(({ data }) => aligned(data.byteLength));
  const bytes = Buffer.alloc(head + sizes.reduce((sum, size) => sum + size, 0));
  bytes[0] = FORM_BYTE.tensors;
  bytes[1] = tensors.length;
  bytes.writeUInt16LE(head, 2);
  bytes.writeInt32LE(label, LABEL_OFFSET);
  bytes.set(Buffer.concat(layout), FIXED_HEAD_BYTES);
  let at = head;
  for (const [index, { data }] of tensors.entries()) {
    bytes.set(bytesOfTensor(data), at);
    at += sizes[index]!;
  }
  return bytes;
}

/** One input of a layout: where its data lie in every payload of that layout. */
export interface TensorPlace {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly start: number;
  readonly byteLength: number;
}

/**
 * Where the inputs lie in a payload of tensors.
 * @throws InferenceError SAMPLE_PAYLOAD_BROKEN
 */
export function tensorPlaces(payload: Uint8Array): readonly TensorPlace[] {
  const bytes = asBuffer(payload);
  try {
    return readPlaces(bytes);
  } catch (cause) {
    if (cause instanceof InferenceError) throw cause;
    throw brokenPayload(); // a read beyond the end: the cause says offsets only
  }
}

function readPlaces(bytes: Buffer): TensorPlace[] {
  const head = bytes.readUInt16LE(2);
  const places: TensorPlace[] = [];
  let at = FIXED_HEAD_BYTES;
  let start = head;
  for (let input = 0; input < bytes[1]!; input += 1) {
    const nameEnd = at + 1 + bytes.readUInt8(at);
    const dtype = DTYPE_ORDER[bytes.readUInt8(nameEnd)];
    if (!dtype) throw brokenPayload();
    const rank = bytes.readUInt8(nameEnd + 1);
    const shape = Array.from({ length: rank }, (_, i) => bytes.readUInt32LE(nameEnd + 2 + i * 4));
    const elements = elementsOf(shape);
    const byteLength = elements * DTYPES[dtype].bytes;
    places.push({ name: bytes.toString('utf8', at + 1, nameEnd), dtype, shape, elements, start, byteLength });
    at = nameEnd + 2 + rank * 4;
    start += aligned(byteLength);
  }
  if (at > head || start !== bytes.length) throw brokenPayload();
  return places;
}

/**
 * The sample in a payload; its data are copies.
 * @throws InferenceError SAMPLE_PAYLOAD_BROKEN
 */
export function decodeSample(payload: Uint8Array): Sample {
  const bytes = asBuffer(payload);
  switch (bytes[0]) {
    case FORM_BYTE.tensors: {
      const tensors = tensorPlaces(bytes).map(({ name, dtype, shape, elements, start, byteLength }) => ({
        name,
        dtype,
        shape,
        data: DTYPES[dtype].view(
          new Uint8Array(bytes.subarray(start, start + byteLength)).buffer,
          0,
          elements,
        ),
      }));
      return { form: 'tensors', label: bytes.readInt32LE(LABEL_OFFSET), tensors };
    }
    case FORM_BYTE.tokens: {
      if (bytes.length % 4 !== 0) throw brokenPayload();
      const copy = new Uint8Array(bytes.subarray(4));
      return { form: 'tokens', tokens: new Int32Array(copy.buffer) };
    }
    case FORM_BYTE.text:
      return { form: 'text', text: bytes.toString('utf8', 1) };
    case FORM_BYTE.reference:
      return { form: 'reference', ...(JSON.parse(bytes.toString('utf8', 1)) as ReferenceJson) };
    default:
      throw brokenPayload();
  }
}

interface ReferenceJson {
  readonly url: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export function brokenPayload(): InferenceError {
  return new InferenceError('SAMPLE_PAYLOAD_BROKEN', 'a stored sample is in no form that this version knows');
}

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
