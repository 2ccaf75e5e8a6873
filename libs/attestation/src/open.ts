/**
 * Opening: from signed text to a statement whose signature holds. Nothing in the payload is looked at before
 * the signature is good, and the algorithm comes from the key set, never from the document alone (RFC 8725
 * sections 3.1 and 3.2). What the statement says about time, log and results is checked in verify.ts.
 * Proven by verify.spec.ts and sign.spec.ts.
 */
import { createHash, verify } from 'node:crypto';
import { compactVerify } from 'jose';
import { z } from 'zod';
import { refusal } from './errors.js';
import { base64 } from './fields.js';
import type { KeySet, KeySetEntry } from './key-set.js';
import { ALGORITHMS, checkKeyTime, findAttestationKey, publicKeyOf } from './key-set.js';
import { readCanonical } from './reading.js';
import { ATTESTATION_TYP, DSSE_PAYLOAD_TYPE, dssePae } from './sign.js';
import type { Statement } from './statement.js';
import { parseStatement } from './statement.js';

/** A statement is a few KiB; a profile with a thousand levels stays below 100 KiB. More is not read. */
const MAX_ATTESTATION_CHARACTERS = 2 ** 20;

const headerSchema = z.strictObject({
  alg: z.enum(ALGORITHMS),
  kid: z.string().min(1).max(128),
  typ: z.literal(ATTESTATION_TYP),
});

export interface OpenedAttestation {
  readonly statement: Statement;
  readonly key: KeySetEntry;
  /** {@link attestationDigest} of the document. */
  readonly digest: string;
}

/** SHA-256 of the compact JWS as ASCII, hexadecimal: the name of an attestation in the log and in its successor. */
export function attestationDigest(jws: string): string {
  return createHash('sha256').update(jws, 'ascii').digest('hex');
}

/**
 * The statement in a compact JWS whose signature holds under a key of `keySet` that was in use when it says
 * it was signed.
 * @throws ATTESTATION_TOO_LARGE, ATTESTATION_MALFORMED, ATTESTATION_TYPE_WRONG,
 *   ATTESTATION_ALGORITHM_REFUSED, ATTESTATION_KEY_UNKNOWN, ATTESTATION_KEY_REVOKED,
 *   ATTESTATION_KEY_OUTSIDE_ITS_TIME, ATTESTATION_SIGNATURE_INVALID, and what `parseStatement` throws.
 */
export async function openAttestation(jws: string, keySet: KeySet): Promise<OpenedAttestation> {
  const [header, payload] = splitJws(jws);
  const { alg, kid } = readHeader(header);
  const key = findAttestationKey(keySet, kid);
  if (key.alg !== alg)
    throw refusal('ATTESTATION_ALGORITHM_REFUSED', 'header.alg', `the key is for ${key.alg}, not for ${alg}`);
  try {
    await compactVerify(jws, publicKeyOf(key), { algorithms: [key.alg] });
  } catch (cause) {
    throw refusal('ATTESTATION_SIGNATURE_INVALID', 'signature', 'the signature does not hold', cause);
  }
  const statement = parseStatement(payload);
  checkKeyTime(key, statement.predicate.verifiedAt);
  return { statement, key, digest: attestationDigest(jws) };
}

/** Header and payload as text. Each part must be canonical base64url: other spellings would escape the signature. */
function splitJws(jws: string): [header: string, payload: string] {
  if (jws.length > MAX_ATTESTATION_CHARACTERS)
    throw refusal(
      'ATTESTATION_TOO_LARGE',
      'document',
      `longer than ${MAX_ATTESTATION_CHARACTERS} characters`,
    );
  const parts = jws.split('.');
  if (parts.length !== 3)
    throw refusal('ATTESTATION_MALFORMED', 'document', 'not a compact JWS of three parts');
  const bytes = parts.map((part) => Buffer.from(part, 'base64url'));
  const bent = bytes.findIndex((part, i) => part.toString('base64url') !== parts[i]);
  if (bent >= 0) throw refusal('ATTESTATION_MALFORMED', `part ${bent + 1}`, 'not in canonical base64url');
  return [bytes[0]!.toString('utf8'), bytes[1]!.toString('utf8')];
}

function readHeader(text: string): z.infer<typeof headerSchema> {
  const document = { code: 'ATTESTATION_MALFORMED', what: 'the header' } as const;
  const { typ, alg } = readCanonical(z.looseObject({}), text, document);
  if (typ !== ATTESTATION_TYP)
    throw refusal(
      'ATTESTATION_TYPE_WRONG',
      'header.typ',
      `signed for another purpose than ${ATTESTATION_TYP}`,
    );
  if (!ALGORITHMS.some((accepted) => accepted === alg))
    throw refusal(
      'ATTESTATION_ALGORITHM_REFUSED',
      'header.alg',
      `only ${ALGORITHMS.join(' and ')} are accepted`,
    );
  return readCanonical(headerSchema, text, document);
}

const envelopeSchema = z.strictObject({
  payloadType: z.literal(DSSE_PAYLOAD_TYPE),
  payload: base64(),
  signatures: z.array(z.strictObject({ keyid: z.string().min(1).max(128), sig: base64() })).length(1),
});

/**
 * The statement in a DSSE envelope of one signature.
 * @throws as {@link openAttestation}.
 */
export function openDsse(text: string, keySet: KeySet): Statement {
  if (text.length > 2 * MAX_ATTESTATION_CHARACTERS)
    throw refusal('ATTESTATION_TOO_LARGE', 'document', 'the envelope is longer than any real one');
  const { payload, signature, keyid } = readEnvelope(text);
  const key = findAttestationKey(keySet, keyid);
  const digest = key.alg === 'EdDSA' ? null : 'sha256';
  if (!verify(digest, dssePae(payload), publicKeyOf(key), signature))
    throw refusal('ATTESTATION_SIGNATURE_INVALID', 'signatures[0].sig', 'the signature does not hold');
  const statement = parseStatement(payload.toString('utf8'));
  checkKeyTime(key, statement.predicate.verifiedAt);
  return statement;
}

function readEnvelope(text: string): { payload: Buffer; signature: Buffer; keyid: string } {
  const document = { code: 'ATTESTATION_MALFORMED', what: 'the envelope' } as const;
  const { payload, signatures } = readCanonical(envelopeSchema, text, document);
  const { keyid, sig } = signatures[0]!;
  return { payload: Buffer.from(payload, 'base64'), signature: Buffer.from(sig, 'base64'), keyid };
}
