/**
 * The field types that attestations, bundles, key sets and result leaves share, each with exactly one
 * spelling per value. One spelling matters: a signature covers bytes, and a second spelling of the same
 * value would be a change that no signature sees. Proven by fields.spec.ts.
 */
import { z } from 'zod';

/** Largest unsigned 64-bit tree size; C2SP checkpoints allow no larger one. */
const MAX_TREE_SIZE = 2n ** 63n - 1n;

/** One million millionths: scores, p-values and quantiles are integers in [0, MILLION]. */
export const MILLION = 1_000_000;

/**
 * A tree size or leaf index: a decimal string, because JSON numbers lose exactness past 2^53 and sizes are
 * `bigint` in code. Counts of verdicts stay JSON integers.
 */
export const decimal = z
  .string()
  .refine(isTreeSize, 'a decimal string from 0 to 2^63 - 1 without leading zero');

function isTreeSize(text: string): boolean {
  return /^(0|[1-9][0-9]{0,18})$/.test(text) && BigInt(text) <= MAX_TREE_SIZE;
}

/** A non-negative integer that a double holds exactly. */
export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** An integer number of millionths, 0 to 1,000,000. */
export const millionths = z.number().int().min(0).max(MILLION);

/** A finite number in [0, 1]. */
export const fraction = z.number().min(0).max(1);

/** A SHA-256 in lower-case hexadecimal. */
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal');

/** Padded standard base64 of `bytes` bytes (any length when left out), in its only canonical spelling. */
export const base64 = (bytes?: number) =>
  z
    .string()
    .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, 'canonical base64')
    .refine((text) => bytes === undefined || Buffer.byteLength(text, 'base64') === bytes, {
      message: `${bytes ?? 'any number of'} bytes`,
    });

/** A 32-byte Merkle hash in base64. */
export const hash = base64(32);

/**
 * Longest audit or consistency path: RFC 6962 needs at most 63 + 1 hashes for 2^63 leaves; anything longer
 * is an attempt to make the reader work.
 */
const MAX_PATH = 128;
export const hashPath = z.array(hash).max(MAX_PATH);

/** A UTC instant as `Date.prototype.toISOString` writes it, milliseconds included: one spelling per instant. */
export const instant = z
  .string()
  .refine(isInstant, 'an instant such as 2026-11-23T14:00:00.000Z (UTC, with milliseconds)');

function isInstant(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text;
}

/** 1 to `max` characters of one line: a control character could forge lines of an account. */
const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'no control characters');

/** A name or identifier. */
export const name = line(512);

/** A sentence or two for people. */
export const sentence = line(4096);

/** A log's origin: as C2SP recommends and key names demand, without spaces and plus signs. */
export const origin = name.regex(/^[^\s+]*$/u, 'no spaces or plus signs');

/** A machine-readable reason or warning, in the house's upper-case form. */
export const reasonCode = z.string().regex(/^[A-Z][A-Z0-9_]{2,63}$/, 'a code such as POWER_TOO_LOW');

/** The hashes of a checked path as bytes. */
export function decodePath(path: readonly string[]): Uint8Array[] {
  return path.map((text) => decodeHash(text));
}

/** A checked base64 field as bytes. */
export function decodeHash(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** Canonical base64 of bytes. */
export function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
