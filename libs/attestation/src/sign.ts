/**
 * Signing: a statement as compact JWS (RFC 7515) and, over the same bytes, as DSSE envelope (in-toto's own
 * form). Proven by sign.spec.ts.
 */
import { sign } from 'node:crypto';
import { canonicalJson } from '@app/tlog';
import { CompactSign } from 'jose';
import type { SigningKey } from './signing-key.js';
import type { Statement } from './statement.js';
import { formatStatement } from './statement.js';

/**
 * Explicit type (RFC 8725 section 3.11): without it, a token that the same key signed for another purpose
 * could be shown as an attestation.
 */
export const ATTESTATION_TYP = 'lacuna-attestation+jws';

export const DSSE_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/**
 * The attestation: a compact JWS over the statement's canonical JSON.
 * @throws as {@link formatStatement}: a statement that contradicts itself is never signed.
 */
export async function signAttestation(statement: Statement, key: SigningKey): Promise<string> {
  return new CompactSign(Buffer.from(formatStatement(statement), 'utf8'))
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: ATTESTATION_TYP })
    .sign(key.privateKey);
}

/**
 * A DSSE envelope as JSON text. ES256 signatures are DER here, as DSSE implementations have them; in the JWS
 * they are the two raw numbers.
 */
export function signDsse(statement: Statement, key: SigningKey): string {
  const payload = Buffer.from(formatStatement(statement), 'utf8');
  const signature = sign(key.alg === 'EdDSA' ? null : 'sha256', dssePae(payload), key.privateKey);
  return canonicalJson({
    payloadType: DSSE_PAYLOAD_TYPE,
    payload: payload.toString('base64'),
    signatures: [{ keyid: key.kid, sig: signature.toString('base64') }],
  });
}

/** DSSE v1 pre-authentication encoding of an in-toto payload: what is signed. */
export function dssePae(payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${DSSE_PAYLOAD_TYPE.length} ${DSSE_PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, 'utf8'), payload]);
}
