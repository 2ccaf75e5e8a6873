/** What every token has to look like, for those who mint and those who verify. */

/**
 * Signature algorithms accepted from any issuer: asymmetric only (a symmetric one would let whoever can read the key
 * set mint tokens), never `none`. RFC 8725 section 3.1.
 */
export const TOKEN_ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'RS256', 'PS256'] as const;

/** Two clocks rarely differ by more; a longer tolerance keeps expired tokens alive. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** `iss` and `aud` of the local issuer: a token of one installation is refused by others through its key. */
export const LOCAL_ISSUER = 'urn:lacuna:local';
export const LOCAL_AUDIENCE = 'urn:lacuna:daemon';
