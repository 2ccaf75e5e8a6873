/**
 * A NumPy array file (.npy, versions 1.0 to 3.0) exactly as `numpy.save` writes it: little-endian, C order, a dtype that models
 * take, as many bytes as dtype and shape say. Pure; proven by npy.spec.ts.
 */
import type { DType } from '../runtime.js';
import { DTYPES, elementsOf } from './sample.js';

export interface NpyArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major, little-endian; a view into the file. */
  readonly bytes: Uint8Array;
}

/** What keeps a file from being read; says nothing of its content. */
export class NpyFault extends Error {}

export const NPY_MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const VERSION_END = NPY_MAGIC.length + 2;
/** numpy.save needs some hundred bytes; more would be a structured dtype. */
const MAX_HEADER_BYTES = 4096;
/** Of everything before the elements. */
export const MAX_NPY_HEADER_BYTES = VERSION_END + 4 + MAX_HEADER_BYTES;
/** Of the header's end; older NumPy aligned to 16, newer to 64. */
const ALIGNMENT = 16;
const HEADER =
  /^\{'descr': '([^']{1,16})', 'fortran_order': (True|False), 'shape': \((|[0-9]+,|[0-9]+(?:, [0-9]+)+)\), \} *\n$/;
const DTYPE_OF: Readonly<Record<string, DType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<i4': 'int32',
  '<i8': 'int64',
  '|u1': 'uint8',
  '|b1': 'bool',
};

export interface NpyHeader {
  /** As numpy writes it: `<f4`, `|u1`, `<U12`. */
  readonly descr: string;
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly end: number;
}

/** @throws NpyFault */
export function readNpy(file: Uint8Array): NpyArray {
  const { descr, shape, end } = readNpyHeader(file);
  const dtype = dtypeOf(descr);
  const bytes = file.subarray(end);
  if (bytes.length !== elementsOf(shape) * DTYPES[dtype].bytes) throw new NpyFault(WRONG_LENGTH);
  return { dtype, shape, bytes };
}

/**
 * What a .npy file says of itself, whatever its dtype.
 * @param file whole, or its first {@link MAX_NPY_HEADER_BYTES} bytes
 * @throws NpyFault
 */
export function readNpyHeader(file: Uint8Array): NpyHeader {
  const { text, end } = headerOf(Buffer.from(file.buffer, file.byteOffset, file.length));
  const [, descr = '', fortran, dimensions = ''] = HEADER.exec(text) ?? [];
  if (fortran === undefined) throw new NpyFault('has another header than numpy.save writes');
  if (fortran === 'True') throw new NpyFault('must be in C order (numpy.ascontiguousarray)');
  const shape = dimensions.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  return { descr, shape, end };
}

/** @throws NpyFault */
export function dtypeOf(descr: string): DType {
  const dtype = Object.hasOwn(DTYPE_OF, descr) ? DTYPE_OF[descr] : undefined;
  if (dtype) return dtype;
  throw new NpyFault(
    descr === '|O'
      ? 'holds Python objects, and pickles are never read'
      : `must have one of the dtypes ${Object.keys(DTYPE_OF).join(', ')}`,
  );
}

export const WRONG_LENGTH = 'must have as many bytes as dtype and shape say';

function headerOf(file: Buffer): { text: string; end: number } {
  if (!file.subarray(0, NPY_MAGIC.length).equals(NPY_MAGIC)) throw new NpyFault('is no .npy file');
  const [major, minor] = [file[NPY_MAGIC.length], file[NPY_MAGIC.length + 1]];
  if (major === undefined || major < 1 || major > 3 || minor !== 0)
    throw new NpyFault('must be of version 1.0, 2.0 or 3.0');
  const start = VERSION_END + (major === 1 ? 2 : 4);
  if (file.length < start) throw new NpyFault('is cut short');
  const length = major === 1 ? file.readUInt16LE(VERSION_END) : file.readUInt32LE(VERSION_END);
  if (length > MAX_HEADER_BYTES) throw new NpyFault(`has a header of more than ${MAX_HEADER_BYTES} bytes`);
  const end = start + length;
  if (file.length < end) throw new NpyFault('is cut short');
  if (end % ALIGNMENT !== 0) throw new NpyFault('has another header than numpy.save writes');
  return { text: file.toString('latin1', start, end), end };
}
