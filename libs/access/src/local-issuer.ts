/**
 * The issuer that a daemon without a configured one makes for itself: one Ed25519 key in the data directory. Whoever
 * may read that file may be anybody, which is why such a daemon listens on loopback only. Proven by
 * verify-token.spec.ts.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { AccessError } from './errors.js';
import type { Role } from './roles.js';
import { isRole, ROLES } from './roles.js';
import { readOrCreateSecret } from './secret-file.js';
import { LOCAL_AUDIENCE, LOCAL_ISSUER } from './token-rules.js';

/** Below the data directory. */
const KEY_FILE = join('keys', 'local-issuer.pem');
/** A local token that outlives a month is a standing secret in somebody's shell history. */
const LONGEST_TTL_SECONDS = 31 * 24 * 3600;

export interface TokenOrder {
  /** The data directory of the installation. */
  readonly directory: string;
  readonly roles: readonly Role[];
  /** `sub`: who the token is for, recorded with everything registered by it. */
  readonly subject: string;
  /** 1 to 2,678,400 (31 days). */
  readonly ttlSeconds: number;
  readonly now: Date;
}

/** The issuer's private key, made on first use. @throws AccessError `SECRET_FILE_UNUSABLE` */
function localIssuerKey(directory: string): KeyObject {
  const path = join(directory, KEY_FILE);
  const { text } = readOrCreateSecret(path, () =>
    generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  );
  try {
    return createPrivateKey(text);
  } catch {
    // The cause is dropped on purpose: a parser's message may quote its input.
    throw new AccessError('SECRET_FILE_UNUSABLE', `${path} holds no private key; remove it to have one made`);
  }
}

/** The key that verifies this installation's local tokens. @throws AccessError `SECRET_FILE_UNUSABLE` */
export function localVerificationKey(directory: string): KeyObject {
  return createPublicKey(localIssuerKey(directory));
}

/**
 * A signed token of this installation's local issuer.
 * @throws AccessError `AUTH_ROLE_UNKNOWN`, `AUTH_TTL_OUT_OF_RANGE`, `SECRET_FILE_UNUSABLE`
 */
export async function mintLocalToken(order: TokenOrder): Promise<string> {
  if (order.roles.length === 0 || !order.roles.every(isRole)) {
    throw new AccessError('AUTH_ROLE_UNKNOWN', `the roles are ${ROLES.join(', ')}; give at least one`);
  }
  const { ttlSeconds } = order;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > LONGEST_TTL_SECONDS) {
    throw new AccessError(
      'AUTH_TTL_OUT_OF_RANGE',
      `a token lives for 1 to ${LONGEST_TTL_SECONDS} whole seconds`,
    );
  }
  const issuedAt = Math.floor(order.now.getTime() / 1000);
  return new SignJWT({ roles: [...order.roles] })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt' })
    .setIssuer(LOCAL_ISSUER)
    .setAudience(LOCAL_AUDIENCE)
    .setSubject(order.subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .setJti(randomUUID())
    .sign(localIssuerKey(order.directory));
}
