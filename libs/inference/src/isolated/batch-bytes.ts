/**
 * The tensors of a batch on their way to a model's process: bytes on a pipe of their own, since a structured clone would copy each of them
 * several times and leave the copies to be collected. What they are goes over the IPC channel, in the same order.
 *
 *   length of what follows u32, little-endian | data of each tensor, each filled up to a multiple of 8
 *
 * Proven by batch-bytes.spec.ts.
 */
import { readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { SampleBatch, TensorBatch } from '../runtime.js';
import { bytesOfTensor, DTYPES } from '../sample/sample.js';

type Tensors = Extract<SampleBatch, { form: 'tensors' }>;

/** A batch without the numbers of its tensors. */
export type BatchHead =
  | (Omit<Tensors, 'tensors'> & {
      /** Each with how many numbers it has. */
      readonly tensors: readonly (Omit<TensorBatch, 'data'> & { readonly length: number })[];
    })
  | Exclude<SampleBatch, Tensors>;

const LENGTH_BYTES = 4;
/** Every tensor begins at a multiple of the widest element. */
const ALIGNMENT = 8;
const aligned = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

export function headOf(batch: SampleBatch): BatchHead {
  if (batch.form !== 'tensors') return batch;
  const tensors = batch.tensors.map(({ data, ...tensor }) => ({ ...tensor, length: data.length }));
  return { ...batch, tensors };
}

/** Writes the numbers that {@link headOf} left out; they must not change until they are written. */
export function writeBytes(pipe: Writable, batch: SampleBatch): void {
  if (batch.form !== 'tensors') return;
  const parts = batch.tensors.map(({ data }) => bytesOfTensor(data));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(parts.reduce((sum, part) => sum + aligned(part.length), 0));
  pipe.cork();
  pipe.write(length);
  for (const part of parts) {
    pipe.write(part);
    if (part.length % ALIGNMENT > 0) pipe.write(Buffer.alloc(aligned(part.length) - part.length));
  }
  pipe.uncork();
}

/** Calls back with what each {@link writeBytes} wrote, waiting for it; returns at the end of the pipe. */
export function readAllBytes(pipe: number, onBytes: (bytes: ArrayBuffer) => void): void {
  const length = Buffer.alloc(LENGTH_BYTES);
  while (fill(pipe, length)) {
    const bytes = Buffer.allocUnsafeSlow(length.readUInt32LE());
    if (!fill(pipe, bytes)) return;
    onBytes(bytes.buffer);
  }
}

/** @returns false where the pipe ends before `target` is full */
function fill(pipe: number, target: Buffer): boolean {
  for (let at = 0; at < target.length;) {
    const count = readSync(pipe, target, at, target.length - at, null);
    if (count === 0) return false;
    at += count;
  }
  return true;
}

/** The batch again; its tensors lie in `bytes`. */
export function batchOf(head: Extract<BatchHead, { form: 'tensors' }>, bytes: ArrayBuffer): Tensors {
  let at = 0;
  const tensors = head.tensors.map(({ length, ...tensor }): TensorBatch => {
    const data = DTYPES[tensor.dtype].view(bytes, at, length);
    at += aligned(data.byteLength);
    return { ...tensor, data };
  });
  return { ...head, tensors };
}
