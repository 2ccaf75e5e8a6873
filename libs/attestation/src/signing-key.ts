/**
 * Private keys for attestations: a JWK in a file or in the configuration becomes a {@link SigningKey}, and
 * its public half an entry of the published key set. Proven by signing-key.spec.ts.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { AttestationError } from './errors.js';
import type { Algorithm, KeySetEntry, PublicJwk } from './key-set.js';
import { publicKeyOf, publicMembers, thumbprint } from './key-set.js';

export interface SigningKey {
  readonly alg: Algorithm;
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  readonly privateKey: KeyObject;
}

/** Other members (`alg`, `kid`, `use`) may stand in the file; they are derived anew and not read. */
const privateJwkSchema = z.union([
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() }),
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), d: z.string() }),
]);
export type PrivateJwk = z.infer<typeof privateJwkSchema>;

/** A new private key from the system's random source. Keep it in a file that only the daemon may read. */
export function generatePrivateJwk(alg: Algorithm = 'EdDSA'): PrivateJwk {
  const { privateKey } =
    alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateJwkSchema.parse(privateKey.export({ format: 'jwk' }));
}

/**
 * The signing key in a private JWK (Ed25519 or P-256). The message never holds any part of the key.
 * @throws SIGNING_KEY_UNUSABLE when it is no such key or when its public half is not its own.
 */
export function openSigningKey(jwk: unknown): SigningKey {
  const parsed = privateJwkSchema.safeParse(jwk);
  if (!parsed.success)
    throw new AttestationError(
      'SIGNING_KEY_UNUSABLE',
      'the signing key is not a private JWK; give one of kty OKP (Ed25519) or EC (P-256) with its d',
    );
  const privateKey = importPrivate(parsed.data);
  const stated = publicMembers(parsed.data);
  const derived = publicKeyOf(publicHalf(privateKey));
  if (!derived.equals(publicKeyOf(stated)))
    throw new AttestationError('SIGNING_KEY_UNUSABLE', 'the public half of the signing key is another key’s');
  const alg = stated.kty === 'OKP' ? 'EdDSA' : 'ES256';
  return { alg, kid: thumbprint(stated), publicJwk: stated, privateKey };
}

function importPrivate(jwk: PrivateJwk): KeyObject {
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    // The cause is dropped on purpose: a parser's message may quote its input.
    throw new AttestationError('SIGNING_KEY_UNUSABLE', 'the signing key’s numbers do not make a key');
  }
}

function publicHalf(privateKey: KeyObject): PublicJwk {
  return publicMembers(privateJwkSchema.parse(privateKey.export({ format: 'jwk' })));
}

export interface KeyHistory {
  readonly status: KeySetEntry['lacuna:status'];
  /** Instants as `toISOString` writes them. */
  readonly notBefore: string;
  readonly notAfter?: string;
}

/**
 * The key set entry of a public key.
 * @param vkey C2SP verifier key of the same Ed25519 key, when it signs checkpoints and not attestations.
 */
export function publishKey(key: PublicJwk, keyHistory: KeyHistory, vkey?: string): KeySetEntry {
  const members = {
    kid: thumbprint(key),
    use: 'sig' as const,
    'lacuna:status': keyHistory.status,
    'lacuna:notBefore': keyHistory.notBefore,
    ...(keyHistory.notAfter === undefined ? {} : { 'lacuna:notAfter': keyHistory.notAfter }),
  };
  if (key.kty === 'OKP')
    return { ...key, alg: 'EdDSA', ...members, ...(vkey === undefined ? {} : { 'lacuna:vkey': vkey }) };
  return { ...key, alg: 'ES256', ...members };
}
