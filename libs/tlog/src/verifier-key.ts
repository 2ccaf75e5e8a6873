/**
 * Verifier keys of C2SP signed-note: `<name>+<hex key id>+<base64 of type and public key>`, the form in which a log
 * or witness publishes its key. Proven by signed-note.spec.ts with the specification's example.
 */
import { fromBase64, toBase64 } from './base64.js';
import { createCosignatureVerifier } from './cosignature.js';
import { createEd25519Verifier } from './ed25519.js';
import { TlogError } from './errors.js';
import { keyIdOf, requireKeyName, SIGNATURE_TYPES } from './signature-type.js';
import type { NoteVerifier } from './signed-note.js';

/** A published key: verifies notes and says which key it is. */
export interface VerifierKey extends NoteVerifier {
  /** Signature type byte, one of SIGNATURE_TYPES. */
  readonly type: number;
  readonly publicKey: Uint8Array;
}

/** What a verifier key names; every signer of this library is one. */
export interface NamedPublicKey {
  readonly name: string;
  readonly type: number;
  readonly publicKey: Uint8Array;
}

const VERIFIER_KEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;

/** The verifier key's text. @throws TLOG_KEY_MALFORMED, TLOG_KEY_UNSUPPORTED */
export function formatVerifierKey({ name, type, publicKey }: NamedPublicKey): string {
  createVerifierKey({ name, type, publicKey });
  const keyId = keyIdOf(name, type, publicKey).toString(16).padStart(8, '0');
  return `${name}+${keyId}+${toBase64(Buffer.concat([Uint8Array.of(type), publicKey]))}`;
}

/**
 * Reads a verifier key of type 01 or 04.
 * @throws TLOG_KEY_MALFORMED, also when the key id is not the one of name and key; TLOG_KEY_UNSUPPORTED
 */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', keyId = '', base64 = ''] = VERIFIER_KEY.exec(text) ?? [];
  const bytes = fromBase64(base64);
  if (!bytes || bytes.length < 2) {
    throw new TlogError('TLOG_KEY_MALFORMED', 'a verifier key is: name+key id in hex+base64 of type and key');
  }
  const key = createVerifierKey({ name, type: bytes[0]!, publicKey: bytes.slice(1) });
  if (key.keyId !== Number.parseInt(keyId, 16)) {
    throw new TlogError('TLOG_KEY_MALFORMED', 'the key id does not belong to this name and key');
  }
  return key;
}

/** The verifier of a signer's public key, or of one kept in parts. @throws TLOG_KEY_MALFORMED, TLOG_KEY_UNSUPPORTED */
export function createVerifierKey({ name, type, publicKey }: NamedPublicKey): VerifierKey {
  requireKeyName(name);
  switch (type) {
    case SIGNATURE_TYPES.ed25519:
      return { ...createEd25519Verifier(name, publicKey), type, publicKey };
    case SIGNATURE_TYPES.ed25519Cosignature:
      return { ...createCosignatureVerifier(name, publicKey), type, publicKey };
    default:
      throw new TlogError('TLOG_KEY_UNSUPPORTED', 'this signature type is reserved but not implemented', {
        details: { type },
      });
  }
}
