import { describe, expect, it } from 'vitest';
import { generatePrivateJwk, openSigningKey } from './signing-key.js';

describe('openSigningKey', () => {
  it.each(['EdDSA', 'ES256'] as const)('opens a generated %s key and exports no private part', (alg) => {
    const jwk = generatePrivateJwk(alg);
    const key = openSigningKey({ ...jwk, alg, use: 'sig' });
    expect(key.alg).toBe(alg);
    expect(JSON.stringify(key.publicJwk)).not.toContain(jwk.d);
    expect(openSigningKey(JSON.parse(JSON.stringify(jwk))).kid).toBe(key.kid);
  });

  const jwk = generatePrivateJwk();
  const other = generatePrivateJwk();
  it.each([
    ['a public key', { kty: 'OKP', crv: 'Ed25519', x: jwk.x }],
    ['another curve', { ...jwk, crv: 'X25519' }],
    ['another key’s public half', { ...jwk, x: other.x }],
    ['numbers that make no key', { ...jwk, d: 'AAAA' }],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
    ['nothing', undefined],
  ])('refuses %s without quoting it', (_name, bad) => {
    try {
      openSigningKey(bad);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'SIGNING_KEY_UNUSABLE', cause: undefined });
      expect(String(error)).not.toContain(jwk.d);
    }
  });
});
