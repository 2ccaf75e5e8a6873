/** Readers for the reference's outputs under test/vectors/iam (or another folder of that form, packed or not). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const VECTORS = fileURLToPath(new URL('../vectors/iam/', import.meta.url));

/** Returns a JSON vector file, the strings "NaN", "Infinity" and "-Infinity" read as numbers. */
export function readVector<T>(name: string, folder = VECTORS): T {
  const text = readPacked(name, folder).toString();
  try {
    return JSON.parse(text, (_, value: unknown) =>
      value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value,
    ) as T;
  } catch (cause) {
    throw new Error(`${join(folder, name)}: not JSON`, { cause });
  }
}

export interface Logits {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

/** Length of magic, version and header length of a NumPy 1.0 file. */
const PREAMBLE = 10;

/** Returns a NumPy 1.0 file of little-endian float32 in C order. */
export function readLogits(name: string, folder = VECTORS): Logits {
  const bytes = readPacked(name, folder);
  const refuse = (problem: string) => new Error(`${join(folder, name)}: ${problem}`);
  if (bytes.length < PREAMBLE || bytes.toString('latin1', 1, 6) !== 'NUMPY') throw refuse('no NumPy file');
  const header = bytes.subarray(PREAMBLE, PREAMBLE + bytes.readUInt16LE(8)).toString('latin1');
  const shape = /\(([\d, ]+)\)/.exec(header)?.[1]?.split(',').filter(Boolean).map(Number);
  if (!shape || !header.includes("'<f4'") || !header.includes("'fortran_order': False"))
    throw refuse('not <f4 in C order');
  const body = bytes.subarray(PREAMBLE + bytes.readUInt16LE(8));
  if (body.length !== 4 * shape.reduce((product, size) => product * size, 1))
    throw refuse(`does not hold ${shape.join(' x ')} numbers`);
  const data = Float32Array.from({ length: body.length / 4 }, (_, i) => body.readFloatLE(4 * i));
  return { shape, data };
}

function readPacked(name: string, folder: string): Buffer {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
}
