/**
 * Signature types of C2SP signed-note and the key ids made from them. Only Ed25519 (01) and the Ed25519
 * cosignature (04) are implemented; the rest keep their bytes so that no other meaning is ever given to them.
 */
import { TlogError } from './errors.js';
import { sha256 } from './hash.js';

export const SIGNATURE_TYPES = {
  ed25519: 0x01,
  ecdsa: 0x02,
  ed25519Cosignature: 0x04,
  rfc6962TreeHead: 0x05,
  mlDsa44Cosignature: 0x06,
} as const;

/** Spaces and '+' would make signature lines and verifier keys ambiguous. */
const FORBIDDEN_IN_NAME = /[\p{White_Space}+\p{Cc}\p{Surrogate}]/u;

export function isKeyName(name: string): boolean {
  return name.length > 0 && !FORBIDDEN_IN_NAME.test(name);
}

/** @throws TLOG_KEY_MALFORMED unless `name` may stand in a signature line */
export function requireKeyName(name: string): void {
  if (!isKeyName(name)) {
    throw new TlogError('TLOG_KEY_MALFORMED', 'a key name must be non-empty, without spaces and plus signs');
  }
}

/** Key id: the first 4 bytes, big-endian, of SHA-256(name || 0x0A || type || public key). An unsigned 32-bit number. */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): number {
  const digest = sha256(Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(type), publicKey]));
  return new DataView(digest.buffer).getUint32(0);
}
