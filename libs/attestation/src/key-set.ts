/**
 * The published keys with their history: a JWK set (RFC 7517) whose entries say since when and until when a
 * key was in use. A retired key still verifies what was signed inside its time, a revoked one nothing. Keys
 * that sign log checkpoints carry a C2SP verifier key and never verify an attestation, nor the other way
 * round. Reading is strict, so a private key that slipped into the file is refused. Proven by key-set.spec.ts.
 */
import { createHash, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { canonicalJson, parseVerifierKey, SIGNATURE_TYPES } from '@app/tlog';
import type { VerifierKey } from '@app/tlog';
import { z } from 'zod';
import { AttestationError, refusal } from './errors.js';
import { instant } from './fields.js';
import type { Document } from './reading.js';
import { readJson, readShape } from './reading.js';

/** The only signature algorithms an attestation may use; `none` and the symmetric ones are not among them. */
export const ALGORITHMS = ['EdDSA', 'ES256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** More keys than a ledger rotates through in a lifetime; a larger file is an attempt to make the reader work. */
const MAX_KEYS = 1024;
/** 1 KiB a key is about three times what one takes. */
const MAX_KEY_SET_CHARACTERS = MAX_KEYS * 1024;

/** 32 bytes (a coordinate, a key, a SHA-256) in canonical base64url. */
const bytes32 = z
  .string()
  .refine(
    (text) =>
      Buffer.byteLength(text, 'base64url') === 32 &&
      Buffer.from(text, 'base64url').toString('base64url') === text,
    '32 bytes in base64url',
  );

const history = {
  kid: bytes32,
  use: z.literal('sig'),
  'lacuna:status': z.enum(['active', 'retired', 'revoked']),
  'lacuna:notBefore': instant,
  'lacuna:notAfter': instant.exactOptional(),
};
const ed25519 = { kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: bytes32, alg: z.literal('EdDSA') };

const keyEntrySchema = z
  .union([
    z.strictObject({
      ...history,
      ...ed25519,
      /** C2SP verifier key: this key signs checkpoints of the log, or of all logs of the ledger, of that name. */
      'lacuna:vkey': z.string().min(1).max(1024).exactOptional(),
    }),
    z.strictObject({
      ...history,
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: bytes32,
      y: bytes32,
      alg: z.literal('ES256'),
    }),
  ])
  .superRefine((key, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (key.kid !== thumbprint(key)) complain('kid', 'the kid is not the key’s RFC 7638 thumbprint');
    const notAfter = key['lacuna:notAfter'];
    if (key['lacuna:status'] === 'retired' && notAfter === undefined)
      complain('lacuna:notAfter', 'a retired key says when it was retired');
    if (notAfter !== undefined && notAfter < key['lacuna:notBefore'])
      complain('lacuna:notAfter', 'its time ends before it begins');
  });

const keySetSchema = z.strictObject({ keys: z.array(keyEntrySchema).max(MAX_KEYS) });

export type KeySetEntry = z.infer<typeof keyEntrySchema>;
export type KeySet = z.infer<typeof keySetSchema>;

/** The public members of an Ed25519 or P-256 JWK. */
export type PublicJwk =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string };

/** RFC 7638 thumbprint, base64url SHA-256: of `crv`, `kty`, `x` and, for P-256, `y`. */
export function thumbprint(key: PublicJwk): string {
  return createHash('sha256')
    .update(canonicalJson(publicMembers(key)))
    .digest('base64url');
}

/** The members that make the public key, and no other that `key` may carry. */
export function publicMembers(key: PublicJwk): PublicJwk {
  const { x } = key;
  return key.kty === 'OKP' ? { kty: key.kty, crv: key.crv, x } : { kty: key.kty, crv: key.crv, x, y: key.y };
}

/** The key as a handle for signature checks. */
export function publicKeyOf(key: PublicJwk): KeyObject {
  return createPublicKey({ key: { ...publicMembers(key) }, format: 'jwk' });
}

const document: Document = { code: 'KEY_SET_MALFORMED', what: 'the key set' };

/** The text of a JWK set, as served at /.well-known/jwks.json. @throws KEY_SET_MALFORMED */
export function formatKeySet(keySet: KeySet): string {
  return `${canonicalJson(readKeySet(keySet))}\n`;
}

/** The key set in `text`, JSON in any layout. @throws KEY_SET_MALFORMED */
export function parseKeySet(text: string): KeySet {
  if (text.length > MAX_KEY_SET_CHARACTERS)
    throw refusal('KEY_SET_MALFORMED', 'document', 'the key set is longer than any real one');
  return readKeySet(readJson(text, document));
}

function readKeySet(value: unknown): KeySet {
  const keySet = readShape(keySetSchema, value, document);
  for (const [position, key] of keySet.keys.entries()) checkKeyNumbers(key, position);
  const kids = keySet.keys.map((key) => key.kid);
  const twice = kids.findIndex((kid, position) => kids.indexOf(kid) !== position);
  if (twice >= 0) throw refusal('KEY_SET_MALFORMED', `keys[${twice}].kid`, 'the same key is listed twice');
  return keySet;
}

/** Returns when the key is a point of its curve and its verifier key, if any, an Ed25519 log key of the same number. */
function checkKeyNumbers(key: KeySetEntry, position: number): void {
  try {
    publicKeyOf(key);
  } catch (cause) {
    throw refusal('KEY_SET_MALFORMED', `keys[${position}]`, 'the key is not a point of its curve', cause);
  }
  const where = `keys[${position}].lacuna:vkey`;
  let verifier: VerifierKey | undefined;
  try {
    verifier = checkpointKey(key);
  } catch (cause) {
    throw refusal('KEY_SET_MALFORMED', where, 'not a C2SP verifier key', cause);
  }
  if (verifier === undefined) return;
  const same = Buffer.from(verifier.publicKey).toString('base64url') === key.x;
  if (verifier.type !== SIGNATURE_TYPES.ed25519 || !same)
    throw refusal('KEY_SET_MALFORMED', where, 'the verifier key is not the Ed25519 log key of this entry');
}

/**
 * The attestation key named `kid`, not revoked.
 * @throws ATTESTATION_KEY_UNKNOWN, ATTESTATION_KEY_REVOKED
 */
export function findAttestationKey(keySet: KeySet, kid: string): KeySetEntry {
  const key = keySet.keys.find(
    (candidate) => candidate.kid === kid && checkpointKey(candidate) === undefined,
  );
  if (!key)
    throw new AttestationError(
      'ATTESTATION_KEY_UNKNOWN',
      'signed by a key that the key set does not list for attestations',
      { details: { kid } },
    );
  if (key['lacuna:status'] === 'revoked')
    throw new AttestationError('ATTESTATION_KEY_REVOKED', 'signed by a revoked key', { details: { kid } });
  return key;
}

/** The entry's C2SP verifier key, if it signs checkpoints. @throws TLOG_KEY_MALFORMED before the set was read */
export function checkpointKey(key: KeySetEntry): VerifierKey | undefined {
  const vkey = key.kty === 'OKP' ? key['lacuna:vkey'] : undefined;
  return vkey === undefined ? undefined : parseVerifierKey(vkey);
}

/**
 * Returns when the key was in use at `signedAt`.
 * @throws ATTESTATION_KEY_OUTSIDE_ITS_TIME
 */
export function checkKeyTime(key: KeySetEntry, signedAt: string): void {
  const notAfter = key['lacuna:notAfter'];
  if (signedAt >= key['lacuna:notBefore'] && (notAfter === undefined || signedAt <= notAfter)) return;
  throw new AttestationError(
    'ATTESTATION_KEY_OUTSIDE_ITS_TIME',
    `signed at ${signedAt}, but the key was in use from ${key['lacuna:notBefore']} to ${notAfter ?? 'now'}`,
    { details: { kid: key.kid } },
  );
}
