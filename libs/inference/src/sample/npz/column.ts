/**
 * Arrays with one value a sample: ids and labels, in the dtypes that numpy gives to lists of them. Pure; proven by
 * column.spec.ts.
 */
import { isSampleId } from '../../recorded/sample-id.js';
import { NpyFault, type NpyHeader } from '../npy.js';
import { labelNumber, malformedSample } from '../sample-rules.js';

type Read<T> = (bytes: Buffer, at: number) => T;

/** Values of one array, read from its bytes. */
export interface Column<T> {
  /** Of one value. */
  readonly width: number;
  /**
   * @param bytes of whole values
   * @throws InferenceError SAMPLE_MALFORMED: no value that a sample can have
   */
  readonly read: Read<T>;
}

const INTEGERS: Readonly<Record<string, Column<number | bigint>>> = {
  '|i1': { width: 1, read: (bytes, at) => bytes.readInt8(at) },
  '|u1': { width: 1, read: (bytes, at) => bytes.readUInt8(at) },
  '<i2': { width: 2, read: (bytes, at) => bytes.readInt16LE(at) },
  '<u2': { width: 2, read: (bytes, at) => bytes.readUInt16LE(at) },
  '<i4': { width: 4, read: (bytes, at) => bytes.readInt32LE(at) },
  '<u4': { width: 4, read: (bytes, at) => bytes.readUInt32LE(at) },
  '<i8': { width: 8, read: (bytes, at) => bytes.readBigInt64LE(at) },
  '<u8': { width: 8, read: (bytes, at) => bytes.readBigUInt64LE(at) },
};
/** numpy pads every text to the longest one; ids themselves have at most 256 characters. */
const MAX_TEXT_WIDTH = 1024;
const TEXT = /^(<U|\|S)([1-9][0-9]{0,3})$/;
const UTF32_BYTES = 4;
const MAX_CODE_POINT = 0x10ffff;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Ids: texts, bytes in UTF-8, or whole numbers, which are written in decimals. @throws NpyFault */
export function idColumn(field: string, header: NpyHeader): Column<string> {
  refuseOtherShape(header);
  const { width, read } = textColumn(header.descr) ?? integersAsText(header.descr);
  return {
    width,
    read(bytes, at) {
      const id = read(bytes, at);
      if (isSampleId(id)) return id;
      throw malformedSample(
        field,
        'must be texts of 1 to 256 characters, without control characters or outer spaces',
      );
    },
  };
}

/** Labels: whole numbers. @throws NpyFault */
export function labelColumn(field: string, header: NpyHeader): Column<number> {
  refuseOtherShape(header);
  const { width, read } = integerColumn(header.descr, 'must be of an integer dtype');
  return {
    width,
    read(bytes, at) {
      const label = labelNumber.safeParse(Number(read(bytes, at)));
      if (label.success) return label.data;
      throw malformedSample(field, 'must be whole numbers from 0 to 2147483647');
    },
  };
}

function refuseOtherShape({ shape }: NpyHeader): void {
  if (shape.length !== 1) throw new NpyFault('must have one dimension');
}

function integerColumn(descr: string, otherwise: string): Column<number | bigint> {
  const column = Object.hasOwn(INTEGERS, descr) ? INTEGERS[descr] : undefined;
  if (column) return column;
  throw new NpyFault(`${otherwise}, little-endian`);
}

function integersAsText(descr: string): Column<string> {
  const otherwise = `must be texts (<U1 to <U${MAX_TEXT_WIDTH}), bytes (|S1 to |S${MAX_TEXT_WIDTH}) or integers`;
  const { width, read } = integerColumn(descr, otherwise);
  return { width, read: (bytes, at) => String(read(bytes, at)) };
}

/** Null where the texts are none. */
function textColumn(descr: string): Column<string | null> | null {
  const [, kind, digits] = TEXT.exec(descr) ?? [];
  const length = Number(digits);
  if (kind === undefined || length > MAX_TEXT_WIDTH) return null;
  if (kind === '|S') return { width: length, read: bytesOfWidth(length) };
  return { width: length * UTF32_BYTES, read: codePoints(length) };
}

/** Texts end where only zeros follow, as numpy has it. */
function bytesOfWidth(width: number): Read<string | null> {
  return (bytes, at) => {
    let end = at + width;
    while (end > at && bytes[end - 1] === 0) end -= 1;
    try {
      return utf8.decode(bytes.subarray(at, end));
    } catch {
      return null;
    }
  };
}

function codePoints(length: number): Read<string | null> {
  return (bytes, at) => {
    let count = length;
    while (count > 0 && bytes.readUInt32LE(at + (count - 1) * UTF32_BYTES) === 0) count -= 1;
    let text = '';
    for (let i = 0; i < count; i += 1) {
      const point = bytes.readUInt32LE(at + i * UTF32_BYTES);
      if (point > MAX_CODE_POINT || (point >= 0xd800 && point <= 0xdfff)) return null;
      text += String.fromCodePoint(point);
    }
    return text;
  };
}
