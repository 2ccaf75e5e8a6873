/**
 * From configuration to the one way tokens are verified: a configured issuer, or the local one on a loopback address.
 * Proven by verify-token.spec.ts.
 */
import { AccessError } from './errors.js';
import { localVerificationKey } from './local-issuer.js';
import { LOCAL_AUDIENCE, LOCAL_ISSUER } from './token-rules.js';
import type { TokenVerifier } from './verify-token.js';
import { verifierWithJwks, verifierWithKey } from './verify-token.js';

export interface AccessSettings {
  readonly host: string;
  /** File or URL of a JWK set; undefined: the local issuer. */
  readonly jwks: string | undefined;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  /** The data directory, where the local issuer's key lies. */
  readonly directory: string;
}

export interface AccessPolicy {
  readonly verify: TokenVerifier;
  readonly usesLocalIssuer: boolean;
}

/** True for the addresses that only processes of the same machine reach. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * @throws AccessError `AUTH_SETTINGS_INCOMPLETE` when only some of the three settings are given,
 *   `AUTH_HOST_NOT_LOOPBACK` when none is and the daemon would be reachable from elsewhere, `AUTH_KEYS_UNAVAILABLE`,
 *   `SECRET_FILE_UNUSABLE`
 */
export async function openAccessPolicy(settings: AccessSettings): Promise<AccessPolicy> {
  const { host, jwks, issuer, audience, directory } = settings;
  if (jwks && issuer && audience) {
    return { verify: await verifierWithJwks(jwks, { issuer, audience }), usesLocalIssuer: false };
  }
  if (jwks ?? issuer ?? audience) {
    throw new AccessError(
      'AUTH_SETTINGS_INCOMPLETE',
      'LACUNA_JWT_JWKS, LACUNA_JWT_ISSUER and LACUNA_JWT_AUDIENCE belong together: set all three or none',
    );
  }
  if (!isLoopback(host)) {
    throw new AccessError(
      'AUTH_HOST_NOT_LOOPBACK',
      `without a configured token issuer the daemon listens on a loopback address only, not on ${host}; ` +
        'set LACUNA_JWT_JWKS, LACUNA_JWT_ISSUER and LACUNA_JWT_AUDIENCE, or LACUNA_HOST=127.0.0.1',
    );
  }
  const verify = verifierWithKey(localVerificationKey(directory), {
    issuer: LOCAL_ISSUER,
    audience: LOCAL_AUDIENCE,
  });
  return { verify, usesLocalIssuer: true };
}
