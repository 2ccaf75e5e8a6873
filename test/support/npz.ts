/** Files as `numpy.save`, `numpy.savez` and `numpy.savez_compressed` write them, and such as nobody should. */
import { crc32, deflateRawSync } from 'node:zlib';

/** @param shape what stands between the brackets of a Python tuple */
export const npyHeader = (descr: string, shape: string, fortran = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape}), }`;

/** As numpy.save aligns it. */
export function npyFile(header: string, body: Uint8Array, { major = 1, minor = 0 } = {}): Buffer {
  const prelude = major === 1 ? 10 : 12;
  const text = header + ' '.repeat(63 - ((prelude + header.length) % 64)) + '\n';
  const start = Buffer.alloc(prelude);
  start.write('\x93NUMPY', 'latin1');
  start[6] = major;
  start[7] = minor;
  if (major === 1) start.writeUInt16LE(text.length, 8);
  else start.writeUInt32LE(text.length, 8);
  return Buffer.concat([start, Buffer.from(text, 'latin1'), body]);
}

/** An array of numpy. */
export function npyArray(descr: string, shape: readonly number[], body: ArrayBufferView): Buffer {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return npyFile(npyHeader(descr, tuple), bytes);
}

/** Texts as an array of `<U…`, as wide as the longest of them or as `width`. */
export function npyTexts(texts: readonly string[], width = 1): Buffer {
  const points = texts.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const length = Math.max(width, ...points.map((of) => of.length));
  const body = Uint32Array.from(
    points.flatMap((of) => [...of, ...new Array<number>(length - of.length).fill(0)]),
  );
  return npyArray(`<U${length}`, [texts.length], body);
}

/** What a member claims in place of the truth. */
export interface ZipClaims {
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly size?: number;
  /** Of its local header. */
  readonly offset?: number;
}

export interface ZipMember {
  readonly name: string | Uint8Array;
  readonly content: Uint8Array;
  readonly isCompressed?: boolean;
  readonly claims?: ZipClaims;
}

const UTF8_NAMES = 0x800;

/** A zip archive (APPNOTE 6.3): local headers with contents, the central directory, its end. */
export function zipFile(members: readonly ZipMember[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const { name, content, isCompressed = false, claims = {} } of members) {
    const nameBytes = Buffer.from(name as string);
    const packed = isCompressed ? deflateRawSync(content) : Buffer.from(content);
    const facts = Buffer.alloc(24);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(claims.flags ?? UTF8_NAMES, 2);
    facts.writeUInt16LE(claims.method ?? (isCompressed ? 8 : 0), 4);
    facts.writeUInt32LE(claims.crc ?? crc32(content), 10);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(claims.size ?? content.length, 18);
    facts.writeUInt16LE(nameBytes.length, 22);
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), facts, Buffer.alloc(2), nameBytes, packed]);
    const rest = Buffer.alloc(16);
    rest.writeUInt32LE(claims.offset ?? at, 12);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), facts, rest.subarray(0, 16), nameBytes]));
    local.push(header);
    at += header.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, directory, end]);
}

/** The file of `numpy.savez`, or of `numpy.savez_compressed`. */
export const npzFile = (arrays: Readonly<Record<string, Buffer>>, isCompressed = false): Buffer =>
  zipFile(Object.entries(arrays).map(([name, content]) => ({ name: `${name}.npy`, content, isCompressed })));
