/**
 * Ed25519 cosignatures, C2SP tlog-cosignature (v1.0.1) type 04: a witness's statement that, at a time, this was the
 * largest consistent tree it had seen of that log. The signed message has its own header, so such a signature can
 * never pass for a note signature by the same key. Proven by cosignature.spec.ts, which builds the message anew.
 */
import type { KeyObject } from 'node:crypto';
import {
  ED25519_SIGNATURE_BYTES,
  ed25519PublicKey,
  ed25519PublicKeyBytes,
  requirePrivateKey,
  signEd25519,
  verifyEd25519,
} from './ed25519.js';
import type { Ed25519Signer } from './ed25519.js';
import { TlogError } from './errors.js';
import { keyIdOf, requireKeyName, SIGNATURE_TYPES } from './signature-type.js';
import type { NoteVerifier } from './signed-note.js';
import { MAX_TREE_SIZE } from './subtrees.js';

const TIME_BYTES = 8;
/** The format's own bound, 2^63 - 1, equals the one of tree sizes. */
const MAX_TIME = MAX_TREE_SIZE;

function cosignedMessage(time: bigint, checkpointText: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`cosignature/v1\ntime ${time}\n`), checkpointText]);
}

/**
 * Time of a cosignature, POSIX seconds, from the bytes after the key id.
 * @throws TLOG_COSIGNATURE_MALFORMED unless they are a time and an Ed25519 signature.
 */
export function cosignatureTime(signature: Uint8Array): bigint {
  if (signature.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) {
    throw new TlogError('TLOG_COSIGNATURE_MALFORMED', 'an Ed25519 cosignature has 72 bytes');
  }
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  if (time > MAX_TIME) throw new TlogError('TLOG_COSIGNATURE_MALFORMED', 'the time is above 2^63 - 1');
  return time;
}

/**
 * Signer of type 04. The note text it signs must be a checkpoint that the caller has checked for consistency.
 * @param time POSIX seconds, asked at each signature: this library has no clock.
 * @throws TLOG_KEY_MALFORMED; signing: TLOG_OUT_OF_RANGE for a time outside 0 to 2^63 - 1.
 */
export function createCosigner(name: string, privateKey: KeyObject, time: () => bigint): Ed25519Signer {
  requireKeyName(name);
  requirePrivateKey(privateKey);
  const publicKey = ed25519PublicKeyBytes(privateKey);
  const type = SIGNATURE_TYPES.ed25519Cosignature;
  return {
    name,
    type,
    publicKey,
    keyId: keyIdOf(name, type, publicKey),
    sign: (text) => {
      const seconds = time();
      if (seconds < 0n || seconds > MAX_TIME) {
        throw new TlogError('TLOG_OUT_OF_RANGE', 'a cosignature time lies between 0 and 2^63 - 1');
      }
      const signature = new Uint8Array(TIME_BYTES + ED25519_SIGNATURE_BYTES);
      new DataView(signature.buffer).setBigUint64(0, seconds);
      signature.set(signEd25519(privateKey, cosignedMessage(seconds, text)), TIME_BYTES);
      return signature;
    },
  };
}

/** Verifier of type 04. @throws TLOG_KEY_MALFORMED */
export function createCosignatureVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  requireKeyName(name);
  const key = ed25519PublicKey(publicKey);
  return {
    name,
    keyId: keyIdOf(name, SIGNATURE_TYPES.ed25519Cosignature, publicKey),
    verify: (text, signature) => {
      if (signature.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return false;
      const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      return (
        time <= MAX_TIME && verifyEd25519(key, cosignedMessage(time, text), signature.subarray(TIME_BYTES))
      );
    },
  };
}
