import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base64url, exportJWK, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { mintLocalToken } from './local-issuer.js';
import { openAccessPolicy } from './access-policy.js';
import { TOKEN_ALGORITHMS } from './token-rules.js';
import { verifierWithJwks, verifierWithKey } from './verify-token.js';

const NOW = new Date('2026-11-23T12:00:00Z');
const seconds = Math.floor(NOW.getTime() / 1000);
const RULES = { issuer: 'https://issuer.example', audience: 'lacuna' };
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const verify = verifierWithKey(publicKey, RULES);

interface Shape {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: KeyObject | Uint8Array;
}

function token({ claims = {}, header = {}, key = privateKey }: Shape = {}): Promise<string> {
  const good = { iss: RULES.issuer, aud: RULES.audience, sub: 'anna', exp: seconds + 60, roles: ['auditor'] };
  const payload = Object.fromEntries(
    Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined),
  );
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(key);
}

const codeOf = async (jwt: string): Promise<unknown> => {
  try {
    await verify(jwt, NOW);
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'accepted';
};

describe('verifying a token', () => {
  it('gives subject and known roles', async () => {
    const jwt = await token({ claims: { roles: ['auditor', 'emperor', 'platform'] } });
    await expect(verify(jwt, NOW)).resolves.toEqual({
      subject: 'anna',
      roles: new Set(['auditor', 'platform']),
    });
  });

  it.each<[string, Shape, string]>([
    ['expired', { claims: { exp: seconds - 60 } }, 'AUTH_TOKEN_EXPIRED'],
    ['without expiry', { claims: { exp: undefined } }, 'AUTH_TOKEN_INVALID'],
    ['not yet valid', { claims: { nbf: seconds + 60 } }, 'AUTH_TOKEN_INVALID'],
    ['of another issuer', { claims: { iss: 'https://other.example' } }, 'AUTH_TOKEN_INVALID'],
    ['for another audience', { claims: { aud: 'elsewhere' } }, 'AUTH_TOKEN_INVALID'],
    ['without subject', { claims: { sub: undefined } }, 'AUTH_TOKEN_INVALID'],
    ['with an empty subject', { claims: { sub: '' } }, 'AUTH_TOKEN_INVALID'],
    ['without roles', { claims: { roles: undefined } }, 'AUTH_TOKEN_INVALID'],
    ['with roles as a string', { claims: { roles: 'auditor' } }, 'AUTH_TOKEN_INVALID'],
    ['signed for another purpose', { header: { typ: 'lacuna-attestation+jws' } }, 'AUTH_TOKEN_INVALID'],
    ['of another key', { key: generateKeyPairSync('ed25519').privateKey }, 'AUTH_TOKEN_INVALID'],
    [
      'signed by a shared secret',
      { header: { alg: 'HS256' }, key: new Uint8Array(32) },
      'AUTH_TOKEN_INVALID',
    ],
    [
      'of another algorithm',
      { header: { alg: 'ES256' }, key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
      'AUTH_TOKEN_INVALID',
    ],
  ])('refuses one %s', async (_what, shape, code) => {
    await expect(codeOf(await token(shape))).resolves.toBe(code);
  });

  it('accepts a clock that is a little behind, not one that is far', async () => {
    await expect(codeOf(await token({ claims: { exp: seconds - 3 } }))).resolves.toBe('accepted');
    await expect(codeOf(await token({ claims: { exp: seconds - 10 } }))).resolves.toBe('AUTH_TOKEN_EXPIRED');
  });

  it('refuses an unsigned one, and one with a changed payload', async () => {
    const [, payload = ''] = (await token()).split('.');
    const unsigned = `${base64url.encode('{"alg":"none"}')}.${payload}.`;
    await expect(codeOf(unsigned)).resolves.toBe('AUTH_TOKEN_INVALID');
    const [head, body = '', signature] = (await token({ claims: { roles: ['auditor'] } })).split('.');
    const promoted = base64url.encode(
      new TextDecoder().decode(base64url.decode(body)).replace('auditor', 'platform'),
    );
    await expect(codeOf(`${head}.${promoted}.${signature}`)).resolves.toBe('AUTH_TOKEN_INVALID');
  });

  it('brings no key of its own', async () => {
    const stranger = generateKeyPairSync('ed25519');
    const jwk = await exportJWK(stranger.publicKey);
    await expect(codeOf(await token({ header: { jwk }, key: stranger.privateKey }))).resolves.toBe(
      'AUTH_TOKEN_INVALID',
    );
  });

  it('refuses a monstrous one without reading it', async () => {
    await expect(codeOf('a'.repeat(20_000))).resolves.toBe('AUTH_TOKEN_INVALID');
  });

  it('lists asymmetric algorithms only', () => {
    expect(TOKEN_ALGORITHMS.filter((alg) => /^(HS|none)/.test(alg))).toEqual([]);
  });
});

describe('a configured key set', () => {
  it('verifies by the key that the token names', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lacuna-jwks-'));
    const file = join(directory, 'jwks.json');
    writeFileSync(
      file,
      JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'EdDSA' }] }),
    );
    const verifyBySet = await verifierWithJwks(file, RULES);
    await expect(verifyBySet(await token({ header: { kid: 'one' } }), NOW)).resolves.toMatchObject({
      subject: 'anna',
    });
    await expect(verifyBySet(await token({ header: { kid: 'two' } }), NOW)).rejects.toMatchObject({
      code: 'AUTH_TOKEN_INVALID',
    });
  });

  it('is our trouble when it cannot be reached', async () => {
    const verifyBySet = await verifierWithJwks('http://127.0.0.1:9/jwks.json', RULES);
    await expect(verifyBySet(await token({ header: { kid: 'one' } }), NOW)).rejects.toMatchObject({
      code: 'AUTH_KEYS_UNAVAILABLE',
      retryable: true,
    });
  });

  it.each([
    ['a file that is absent', '/nonexistent/jwks.json'],
    ['plain http elsewhere', 'http://issuer.example/jwks.json'],
  ])('is refused at start as %s', async (_what, place) => {
    await expect(verifierWithJwks(place, RULES)).rejects.toMatchObject({ code: 'AUTH_KEYS_UNAVAILABLE' });
  });
});

describe('the local issuer', () => {
  const settings = () => ({
    host: '127.0.0.1',
    directory: mkdtempSync(join(tmpdir(), 'lacuna-issuer-')),
    jwks: undefined,
    issuer: undefined,
    audience: undefined,
  });

  it('mints what its own daemon accepts and no other', async () => {
    const mine = settings();
    const order = { roles: ['operator'], subject: 'me', ttlSeconds: 60, now: NOW } as const;
    const jwt = await mintLocalToken({ directory: mine.directory, ...order });
    const { verify: verifyHere, usesLocalIssuer } = await openAccessPolicy(mine);
    expect(usesLocalIssuer).toBe(true);
    await expect(verifyHere(jwt, NOW)).resolves.toEqual({ subject: 'me', roles: new Set(['operator']) });
    const { verify: verifyThere } = await openAccessPolicy(settings());
    await expect(verifyThere(jwt, NOW)).rejects.toMatchObject({ code: 'AUTH_TOKEN_INVALID' });
    const later = new Date(NOW.getTime() + 120_000);
    await expect(verifyHere(jwt, later)).rejects.toMatchObject({ code: 'AUTH_TOKEN_EXPIRED' });
  });

  it.each([
    [{ roles: [] }, 'AUTH_ROLE_UNKNOWN'],
    [{ roles: ['root'] }, 'AUTH_ROLE_UNKNOWN'],
    [{ ttlSeconds: 0 }, 'AUTH_TTL_OUT_OF_RANGE'],
    [{ ttlSeconds: 1.5 }, 'AUTH_TTL_OUT_OF_RANGE'],
    [{ ttlSeconds: 32 * 24 * 3600 }, 'AUTH_TTL_OUT_OF_RANGE'],
  ])('refuses the order %j', async (change, code) => {
    const { directory } = settings();
    const order = { directory, roles: ['auditor'], subject: 'me', ttlSeconds: 60, now: NOW, ...change };
    await expect(mintLocalToken(order as never)).rejects.toMatchObject({ code });
  });

  it.each(['0.0.0.0', '192.168.1.4', '::', 'lacuna.example', '127.0.0.1.example'])(
    'keeps the daemon from listening on %s',
    async (host) => {
      await expect(openAccessPolicy({ ...settings(), host })).rejects.toMatchObject({
        code: 'AUTH_HOST_NOT_LOOPBACK',
      });
    },
  );

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('lets it listen on %s', async (host) => {
    await expect(openAccessPolicy({ ...settings(), host })).resolves.toMatchObject({ usesLocalIssuer: true });
  });

  it('gives way to a configured issuer, which must be whole', async () => {
    await expect(openAccessPolicy({ ...settings(), issuer: 'x' })).rejects.toMatchObject({
      code: 'AUTH_SETTINGS_INCOMPLETE',
    });
    await expect(
      openAccessPolicy({ ...settings(), jwks: '/nonexistent', issuer: 'x' }),
    ).rejects.toMatchObject({ code: 'AUTH_SETTINGS_INCOMPLETE' });
  });
});
