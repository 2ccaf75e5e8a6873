/**
 * Many payloads as batches that a model runs at once: grouped by layout, tensors copied into one preallocated array an
 * input. A payload that is no sample costs no other one. Proven by payload.spec.ts.
 */
import { InferenceError } from '../errors.js';
import type { SampleBatch, TensorBatch } from '../runtime.js';
import {
  asBuffer,
  brokenPayload,
  decodeSample,
  FIXED_HEAD_BYTES,
  FORM_BYTE,
  LABEL_OFFSET,
  tensorPlaces,
} from './payload.js';
import { bytesOfTensor, DTYPES } from './sample.js';

export interface PlacedBatch {
  /** Place of each sample of the batch in the list that was given. */
  readonly positions: Int32Array;
  readonly batch: SampleBatch;
}

export interface SampleBatches {
  readonly batches: readonly PlacedBatch[];
  /** Payloads that are no sample, or a reference that was not fetched, by their place in the list. */
  readonly broken: ReadonlyMap<number, InferenceError>;
}

/**
 * @param payloads null is passed over
 * @param largest most samples of one batch
 */
export function batchSamples(payloads: readonly (Uint8Array | null)[], largest: number): SampleBatches {
  const broken = new Map<number, InferenceError>();
  const groups = groupByLayout(payloads, broken);
  const batches = groups.flatMap((positions) => {
    // Of one size as far as they can be: a short last batch would cost what a batch costs for few samples.
    const size = Math.ceil(positions.length / Math.ceil(positions.length / largest));
    const cuts: PlacedBatch[] = [];
    for (let from = 0; from < positions.length; from += size) {
      const some = Int32Array.from(positions.slice(from, from + size));
      cuts.push({ positions: some, batch: batchOf(some, payloads) });
    }
    return cuts;
  });
  return { batches, broken };
}

/** Places of payloads that can be run together, groups in the order of their first one. */
function groupByLayout(
  payloads: readonly (Uint8Array | null)[],
  broken: Map<number, InferenceError>,
): readonly number[][] {
  const groups = new Map<string, number[]>();
  let last: { head: Buffer; group: number[] } | undefined;
  for (const [position, payload] of payloads.entries()) {
    if (!payload) continue;
    const bytes = asBuffer(payload);
    if (last && bytes.length === last.head.length && sameLayout(bytes, last.head)) {
      last.group.push(position);
      continue;
    }
    try {
      const key = layoutKey(bytes);
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.push(position);
      last = bytes[0] === FORM_BYTE.tensors ? { head: bytes, group } : undefined;
    } catch (error) {
      if (!(error instanceof InferenceError)) throw error;
      broken.set(position, error);
    }
  }
  return [...groups.values()];
}

/** Everything before the data but the label. */
function sameLayout(bytes: Buffer, other: Buffer): boolean {
  const head = other.readUInt16LE(2);
  return (
    bytes.compare(other, 0, LABEL_OFFSET, 0, LABEL_OFFSET) === 0 &&
    bytes.compare(other, FIXED_HEAD_BYTES, head, FIXED_HEAD_BYTES, head) === 0
  );
}

function layoutKey(bytes: Buffer): string {
  switch (bytes[0]) {
    case FORM_BYTE.tensors:
      tensorPlaces(bytes);
      return (
        bytes.toString('latin1', 0, LABEL_OFFSET) +
        bytes.toString('latin1', FIXED_HEAD_BYTES, bytes.readUInt16LE(2))
      );
    case FORM_BYTE.tokens:
      if (bytes.length % 4 === 0) return 'tokens';
      throw brokenPayload();
    case FORM_BYTE.text:
      return 'text';
    case FORM_BYTE.reference:
      throw new InferenceError('SAMPLE_NOT_FETCHED', 'the sample is kept by its owner and was not fetched');
    default:
      throw brokenPayload();
  }
}

function batchOf(positions: Int32Array, payloads: readonly (Uint8Array | null)[]): SampleBatch {
  const first = payloads[positions[0]!]!;
  if (first[0] === FORM_BYTE.tensors) return tensorBatch(positions, payloads);
  const samples = Array.from(positions, (position) => decodeSample(payloads[position]!));
  if (first[0] === FORM_BYTE.text)
    return { form: 'text', texts: samples.flatMap((one) => (one.form === 'text' ? [one.text] : [])) };
  const sequences = samples.flatMap((one) => (one.form === 'tokens' ? [one.tokens] : []));
  return { form: 'tokens', sequences };
}

function tensorBatch(positions: Int32Array, payloads: readonly (Uint8Array | null)[]): SampleBatch {
  const count = positions.length;
  const places = tensorPlaces(payloads[positions[0]!]!);
  const tensors = places.map(({ name, dtype, shape, elements }): TensorBatch => {
    const buffer = new ArrayBuffer(count * elements * DTYPES[dtype].bytes);
    return { name, dtype, shape, data: DTYPES[dtype].view(buffer, 0, count * elements) };
  });
  const targets = tensors.map(({ data }) => bytesOfTensor(data));
  const labels = new Int32Array(count);
  for (let at = 0; at < count; at += 1) {
    const bytes = asBuffer(payloads[positions[at]!]!);
    labels[at] = bytes.readInt32LE(LABEL_OFFSET);
    for (const [input, { start, byteLength }] of places.entries())
      targets[input]!.set(bytes.subarray(start, start + byteLength), at * byteLength);
  }
  return { form: 'tensors', count, tensors, labels };
}
