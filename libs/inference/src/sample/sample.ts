/** One sample as a model sees it, before and after it lies in the vault. */
import type { DType, TensorData } from '../runtime.js';

/** One named input, row-major. */
export interface SampleTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type Sample =
  | {
      readonly form: 'tensors';
      /** True class, 0-based. */
      readonly label: number;
      /** In order of their names, each once. */
      readonly tensors: readonly SampleTensor[];
    }
  | { readonly form: 'tokens'; readonly tokens: Int32Array }
  | { readonly form: 'text'; readonly text: string }
  | SampleReference;

/** A sample that its owner keeps: where it is, and the digest of exactly those bytes. */
export interface SampleReference {
  readonly form: 'reference';
  readonly url: string;
  /** SHA-256, lowercase hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Bytes of one element, and how to look at bytes as elements. */
export const DTYPES: Readonly<
  Record<
    DType,
    {
      readonly bytes: number;
      readonly view: (buffer: ArrayBufferLike, offset: number, length: number) => TensorData;
    }
  >
> = {
  float32: { bytes: 4, view: (buffer, offset, length) => new Float32Array(buffer, offset, length) },
  float64: { bytes: 8, view: (buffer, offset, length) => new Float64Array(buffer, offset, length) },
  int32: { bytes: 4, view: (buffer, offset, length) => new Int32Array(buffer, offset, length) },
  int64: { bytes: 8, view: (buffer, offset, length) => new BigInt64Array(buffer, offset, length) },
  uint8: { bytes: 1, view: (buffer, offset, length) => new Uint8Array(buffer, offset, length) },
  bool: { bytes: 1, view: (buffer, offset, length) => new Uint8Array(buffer, offset, length) },
};

export const elementsOf = (shape: readonly number[]): number => shape.reduce((size, next) => size * next, 1);

/** The bytes behind typed elements, not copied. Little-endian, as every machine that Node.js supports for us is. */
export const bytesOfTensor = (data: TensorData): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
