/** Readers for the reference's outputs under test/vectors/iam (or another folder of that form, packed or not). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const VECTORS = fileURLToPath(new URL('../vectors/iam/', import.meta.url));

/** Returns a JSON vector file, the strings "NaN", "Infinity" and "-Infinity" read as numbers. */
export function readVector<T>(name: string, folder = VECTORS): T {
  return JSON.parse(readPacked(name, folder).toString(), (_, value: unknown) =>
    value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value,
  ) as T;
}

export interface Logits {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

/** Returns a NumPy 1.0 file of little-endian float32 in C order. */
export function readLogits(name: string, folder = VECTORS): Logits {
  const bytes = readPacked(name, folder);
  const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString('latin1');
  if (!header.includes("'<f4'") || !header.includes("'fortran_order': False"))
    throw new Error(`${name}: not <f4, C order`);
  const shape = /\(([\d, ]+)\)/.exec(header)![1]!.split(',').filter(Boolean).map(Number);
  const body = bytes.subarray(10 + bytes.readUInt16LE(8));
  const data = Float32Array.from({ length: body.length / 4 }, (_, i) => body.readFloatLE(4 * i));
  return { shape, data };
}

function readPacked(name: string, folder: string): Buffer {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
}
