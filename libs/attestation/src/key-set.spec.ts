import { createEd25519Signer, formatVerifierKey } from '@app/tlog';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it } from 'vitest';
import { formatKeySet, parseKeySet, thumbprint } from './key-set.js';
import type { KeySet } from './key-set.js';
import { KEYS_SINCE, ledgerKeySet, ledgerVkey, strangerKey } from './ledger.fixture.js';
import { generatePrivateJwk, openSigningKey, publishKey } from './signing-key.js';

const active = { status: 'active', notBefore: KEYS_SINCE } as const;
const es256 = openSigningKey(generatePrivateJwk('ES256'));
const keySet: KeySet = { keys: [...ledgerKeySet().keys, publishKey(es256.publicJwk, active)] };
const malformed = (where: string): unknown =>
  expect.objectContaining({ code: 'KEY_SET_MALFORMED', details: { where } });

describe('thumbprint', () => {
  it('is that of RFC 8037 appendix A.3', () => {
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    expect(thumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  it('is jose’s for both kinds of key', async () => {
    for (const key of keySet.keys) expect(key.kid).toBe(await calculateJwkThumbprint(key));
  });
});

describe('a key set', () => {
  it('reads back what was written, and in any layout', () => {
    expect(parseKeySet(formatKeySet(keySet))).toEqual(keySet);
    expect(parseKeySet(JSON.stringify(keySet, null, 2))).toEqual(keySet);
  });

  const edit = (change: object, at = 0) =>
    JSON.stringify({ keys: keySet.keys.map((key, i) => (i === at ? { ...key, ...change } : key)) });
  const otherVkey = formatVerifierKey(createEd25519Signer('ledger.example', strangerKey.privateKey));

  it.each([
    ['a private key', 'keys[0]', edit({ d: 'AAAA' })],
    ['an unknown field', 'keys[0]', edit({ x5c: [] })],
    ['another key’s kid', 'keys[0].kid', edit({ kid: strangerKey.kid })],
    ['a retired key without its end', 'keys[0].lacuna:notAfter', edit({ 'lacuna:status': 'retired' })],
    [
      'a time that ends before it begins',
      'keys[0].lacuna:notAfter',
      edit({ 'lacuna:notAfter': '2026-09-01T00:00:00.000Z' }),
    ],
    ['another key’s verifier key', 'keys[1].lacuna:vkey', edit({ 'lacuna:vkey': otherVkey }, 1)],
    ['a verifier key that is none', 'keys[1].lacuna:vkey', edit({ 'lacuna:vkey': 'a+b+c' }, 1)],
    ['the same key twice', 'keys[1].kid', JSON.stringify({ keys: [keySet.keys[0], keySet.keys[0]] })],
    ['no JSON', 'document', '{"keys":'],
    ['no keys', 'keys', '{}'],
  ])('with %s is refused at %s', (_name, where, text) => {
    expect(() => parseKeySet(text)).toThrow(malformed(where));
  });

  it('is not read above its size limit', () => {
    expect(() => parseKeySet(formatKeySet(keySet) + ' '.repeat(1024 * 1024))).toThrow(malformed('document'));
  });

  it('refuses a P-256 key off its curve', () => {
    const zero = 'A'.repeat(43);
    const bad = { ...es256.publicJwk, y: zero };
    const entry = publishKey(es256.publicJwk, active);
    const text = JSON.stringify({
      keys: [{ ...entry, y: zero, kid: thumbprint(bad) }],
    });
    expect(() => parseKeySet(text)).toThrow(malformed('keys[0]'));
  });

  it('publishes a retired key with its end, and a checkpoint key with its verifier key', () => {
    const retired = {
      status: 'retired',
      notBefore: KEYS_SINCE,
      notAfter: '2026-11-01T00:00:00.000Z',
    } as const;
    const entry = publishKey(strangerKey.publicJwk, retired, ledgerVkey(strangerKey));
    expect(parseKeySet(formatKeySet({ keys: [entry] })).keys[0]).toMatchObject({
      'lacuna:status': 'retired',
      'lacuna:notAfter': '2026-11-01T00:00:00.000Z',
      'lacuna:vkey': ledgerVkey(strangerKey),
    });
  });
});
