/** Element types of the Open Inference Protocol ("Tensor Data Types") that samples and signals can have. */
import type { DType, TensorData } from '../runtime.js';

interface Datatype {
  readonly dtype: DType;
  readonly bytes: number;
}

const DATATYPES: Readonly<Record<string, Datatype>> = {
  BOOL: { dtype: 'bool', bytes: 1 },
  UINT8: { dtype: 'uint8', bytes: 1 },
  INT32: { dtype: 'int32', bytes: 4 },
  INT64: { dtype: 'int64', bytes: 8 },
  FP32: { dtype: 'float32', bytes: 4 },
  FP64: { dtype: 'float64', bytes: 8 },
};

/** The protocol's name of an element type. */
export function datatypeOf(dtype: DType): string {
  return Object.keys(DATATYPES).find((name) => DATATYPES[name]!.dtype === dtype)!;
}

/** Our name of a protocol's element type, or null where samples cannot have it (FP16, BYTES, …). */
export function dtypeOf(datatype: string): DType | null {
  return DATATYPES[datatype]?.dtype ?? null;
}

/** Little-endian, row-major bytes, as both the protocol and this machine's typed arrays have them. */
export function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Floats of a binary tensor, copied: the block need not lie on a multiple of their size. */
export function floatsOf(datatype: 'FP32' | 'FP64', block: Uint8Array): Float32Array | Float64Array {
  const { buffer } = new Uint8Array(block);
  return datatype === 'FP32' ? new Float32Array(buffer) : new Float64Array(buffer);
}
