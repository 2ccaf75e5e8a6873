/** Ed25519 (RFC 8032) between note formats, which carry 32 raw bytes, and node:crypto's key objects. */
import { createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { TlogError } from './errors.js';
import { keyIdOf, requireKeyName, SIGNATURE_TYPES } from './signature-type.js';
import type { NoteSigner, NoteVerifier } from './signed-note.js';

const ED25519_KEY_BYTES = 32;
export const ED25519_SIGNATURE_BYTES = 64;

/** The 32 public bytes of a private or public Ed25519 key. @throws TLOG_KEY_MALFORMED for another kind of key */
export function ed25519PublicKeyBytes(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new TlogError('TLOG_KEY_MALFORMED', 'the key is not an Ed25519 key');
  }
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x, 'base64url'));
}

/** @throws TLOG_KEY_MALFORMED unless `publicKey` has 32 bytes */
export function ed25519PublicKey(publicKey: Uint8Array): KeyObject {
  if (publicKey.length !== ED25519_KEY_BYTES) {
    throw new TlogError('TLOG_KEY_MALFORMED', 'an Ed25519 public key has 32 bytes');
  }
  const x = Buffer.from(publicKey).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** 64-byte signature. @throws TLOG_KEY_MALFORMED unless the key is a private Ed25519 key */
export function signEd25519(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, privateKey));
}

export function verifyEd25519(publicKey: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === ED25519_SIGNATURE_BYTES && verify(null, message, publicKey, signature);
}

/** A private key's signer under a note key name, with what publishing it needs. */
export interface Ed25519Signer extends NoteSigner {
  readonly type: number;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Signer of type 01. @throws TLOG_KEY_MALFORMED for a bad name or a key that is not a private Ed25519 key */
export function createEd25519Signer(name: string, privateKey: KeyObject): Ed25519Signer {
  requireKeyName(name);
  requirePrivateKey(privateKey);
  const publicKey = ed25519PublicKeyBytes(privateKey);
  const type = SIGNATURE_TYPES.ed25519;
  return {
    name,
    type,
    publicKey,
    keyId: keyIdOf(name, type, publicKey),
    sign: (text) => signEd25519(privateKey, text),
  };
}

/** @throws TLOG_KEY_MALFORMED */
export function requirePrivateKey(key: KeyObject): void {
  if (key.type !== 'private') throw new TlogError('TLOG_KEY_MALFORMED', 'signing needs a private key');
}

/** Verifier of type 01. @throws TLOG_KEY_MALFORMED */
export function createEd25519Verifier(name: string, publicKey: Uint8Array): NoteVerifier {
  requireKeyName(name);
  const key = ed25519PublicKey(publicKey);
  return {
    name,
    keyId: keyIdOf(name, SIGNATURE_TYPES.ed25519, publicKey),
    verify: (text, signature) => verifyEd25519(key, text, signature),
  };
}
