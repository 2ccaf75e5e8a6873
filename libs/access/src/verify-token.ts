/**
 * From a bearer token to a {@link Principal}. The keys come from the configuration only, never from the token (no
 * `jwk`, `jku` or `x5u`), and the algorithm must be on the list. Proven by verify-token.spec.ts.
 */
import { readFile } from 'node:fs/promises';
import type { KeyObject } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose';
import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { AccessError } from './errors.js';
import type { Principal } from './roles.js';
import { isRole } from './roles.js';
import { CLOCK_TOLERANCE_SECONDS, TOKEN_ALGORITHMS } from './token-rules.js';

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
}

export type TokenVerifier = (token: string, now: Date) => Promise<Principal>;

/** Tokens are refused above this before any parsing; real ones are below 4 KiB. */
const MAX_TOKEN_CHARACTERS = 16_384;
const MAX_SUBJECT_CHARACTERS = 256;

/** `typ` of a JWT access token (RFC 9068) or a plain JWT; anything else was signed for another purpose. */
const TOKEN_TYPES = ['jwt', 'at+jwt', 'application/at+jwt'];

/** Verifies tokens signed by one key: the local issuer's. */
export function verifierWithKey(key: KeyObject, rules: TokenRules): TokenVerifier {
  return verifier(() => Promise.resolve(key), rules);
}

/**
 * Verifies tokens signed by the keys of a JWKS: a file, read now, or an https URL (http on loopback), fetched when
 * needed and cached by jose.
 * @throws AccessError `AUTH_KEYS_UNAVAILABLE` when the file holds no JWKS or the URL is neither
 */
export async function verifierWithJwks(place: string, rules: TokenRules): Promise<TokenVerifier> {
  return verifier(await keySource(place), rules);
}

async function keySource(place: string): Promise<JWTVerifyGetKey> {
  if (/^https?:/i.test(place)) {
    const url = new URL(place);
    if (url.protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)) {
      throw new AccessError('AUTH_KEYS_UNAVAILABLE', 'LACUNA_JWT_JWKS must be https, or a file');
    }
    return reachable(createRemoteJWKSet(url));
  }
  try {
    return createLocalJWKSet(JSON.parse(await readFile(place, 'utf8')) as JSONWebKeySet);
  } catch (cause) {
    throw new AccessError('AUTH_KEYS_UNAVAILABLE', `LACUNA_JWT_JWKS: ${place} holds no JWK set`, { cause });
  }
}

/** A key set that cannot be fetched is our trouble (retryable), a token that names no key of it is the caller's. */
function reachable(fetchKey: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await fetchKey(header, token);
    } catch (cause) {
      if (TOKEN_FAULTS.some((fault) => cause instanceof fault)) throw cause;
      throw new AccessError('AUTH_KEYS_UNAVAILABLE', 'the key set that verifies tokens cannot be fetched', {
        cause,
        retryable: true,
      });
    }
  };
}

const TOKEN_FAULTS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

function verifier(getKey: JWTVerifyGetKey, rules: TokenRules): TokenVerifier {
  const options: JWTVerifyOptions = {
    issuer: rules.issuer,
    audience: rules.audience,
    algorithms: [...TOKEN_ALGORITHMS],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['exp', 'sub'],
  };
  return async (token, now) => {
    if (token.length > MAX_TOKEN_CHARACTERS) throw invalid();
    try {
      const { payload, protectedHeader } = await jwtVerify(token, getKey, { ...options, currentDate: now });
      const { typ } = protectedHeader;
      if (typ !== undefined && !TOKEN_TYPES.includes(typ.toLowerCase())) throw invalid();
      return principalOf(payload);
    } catch (cause) {
      throw asAccessError(cause);
    }
  };
}

function principalOf(payload: JWTPayload): Principal {
  const { sub, roles } = payload;
  if (typeof sub !== 'string' || sub.length === 0 || sub.length > MAX_SUBJECT_CHARACTERS) throw invalid();
  if (!Array.isArray(roles)) throw invalid();
  return { subject: sub, roles: new Set(roles.filter(isRole)) };
}

function asAccessError(cause: unknown): AccessError {
  if (cause instanceof AccessError) return cause;
  if (cause instanceof errors.JWTExpired) {
    return new AccessError('AUTH_TOKEN_EXPIRED', 'the token has expired; get a new one', { cause });
  }
  return invalid(cause);
}

/** One answer for every defect: telling a forger which check failed helps only the forger. */
function invalid(cause?: unknown): AccessError {
  return new AccessError('AUTH_TOKEN_INVALID', 'the token is not valid here', { cause });
}
