import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseKeySet } from '@app/attestation';
import { loadConfig } from '@app/config';
import { describe, expect, it } from 'vitest';
import { openDaemonKeys } from './daemon-keys.js';
import { takeIntoUse } from './key-history.js';

const directory = () => mkdtempSync(join(tmpdir(), 'lacuna-keys-'));
const FIRST = new Date('2026-01-01T00:00:00.000Z');
const LATER = new Date('2026-06-01T00:00:00.000Z');
const LAST = new Date('2026-07-01T00:00:00.000Z');

function keyFile(place: string, name: string, curve: 'ed25519' | 'P-256' | 'P-384' = 'ed25519'): string {
  const { privateKey } =
    curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curve });
  const path = join(place, name);
  writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  return path;
}

const statuses = (jwks: string) =>
  parseKeySet(jwks).keys.map((key) => [
    'lacuna:vkey' in key ? 'log' : 'attestation',
    key['lacuna:status'],
    key['lacuna:notBefore'],
    key['lacuna:notAfter'],
  ]);

describe('openDaemonKeys', () => {
  it('makes both keys once, for their owner only, and publishes them', () => {
    const place = directory();
    const first = openDaemonKeys(loadConfig({}), place, FIRST);
    const second = openDaemonKeys(loadConfig({}), place, LATER);
    expect(second.jwks).toBe(first.jwks);
    expect(second.attestation.kid).toBe(first.attestation.kid);
    for (const name of ['attestation.pem', 'log.pem']) {
      expect(statSync(join(place, 'keys', name)).mode & 0o777).toBe(0o600);
    }
    expect(first.jwks).not.toContain('"d"');
    expect(statuses(first.jwks)).toEqual([
      ['attestation', 'active', FIRST.toISOString(), undefined],
      ['log', 'active', FIRST.toISOString(), undefined],
    ]);
  });

  it('retires the key before a new one and remembers it', () => {
    const place = directory();
    const old = openDaemonKeys(loadConfig({}), place, FIRST);
    const config = loadConfig({ LACUNA_ATTESTATION_KEY: keyFile(place, 'next.pem', 'P-256') });
    const next = openDaemonKeys(config, place, LATER);
    expect(next.attestation.alg).toBe('ES256');
    expect(statuses(next.jwks)).toEqual([
      ['attestation', 'retired', FIRST.toISOString(), LATER.toISOString()],
      ['attestation', 'active', LATER.toISOString(), undefined],
      ['log', 'active', FIRST.toISOString(), undefined],
    ]);
    const back = openDaemonKeys(loadConfig({}), place, LAST);
    expect(back.attestation.kid).toBe(old.attestation.kid);
    expect(statuses(back.jwks).filter(([, status]) => status === 'active')).toHaveLength(2);
    expect(readFileSync(join(place, 'keys', 'history.json'), 'utf8')).toBe(back.jwks);
  });

  it.each<[string, (place: string) => Record<string, string>, string]>([
    ['a file that is absent', (place) => ({ LACUNA_LOG_KEY: join(place, 'no.pem') }), 'DAEMON_KEY_UNUSABLE'],
    [
      'a file that holds no key',
      (place) => {
        writeFileSync(join(place, 'x.pem'), 'secret');
        return { LACUNA_ATTESTATION_KEY: join(place, 'x.pem') };
      },
      'DAEMON_KEY_UNUSABLE',
    ],
    [
      'a curve nobody verifies',
      (place) => ({ LACUNA_ATTESTATION_KEY: keyFile(place, 'p384.pem', 'P-384') }),
      'SIGNING_KEY_UNUSABLE',
    ],
    [
      'one key for both purposes',
      (place) => {
        const path = keyFile(place, 'one.pem');
        return { LACUNA_ATTESTATION_KEY: path, LACUNA_LOG_KEY: path };
      },
      'DAEMON_KEY_UNUSABLE',
    ],
  ])('refuses %s, without a word of its content', (_what, settings, code) => {
    const place = directory();
    const config = loadConfig(settings(place));
    expect(() => openDaemonKeys(config, place, FIRST)).toThrow(
      expect.objectContaining({ code, message: expect.not.stringContaining('secret') as string }),
    );
  });

  it('refuses a history that cannot be read, and a revoked key', () => {
    const place = directory();
    const { keySet } = openDaemonKeys(loadConfig({}), place, FIRST);
    const [current] = keySet.keys;
    const revoked = { keys: [{ ...current!, 'lacuna:status': 'revoked' as const }] };
    expect(() => takeIntoUse(revoked, current!, LATER)).toThrow(
      expect.objectContaining({ code: 'DAEMON_KEY_REVOKED' }),
    );
    writeFileSync(join(place, 'keys', 'history.json'), '{}');
    expect(() => openDaemonKeys(loadConfig({}), place, LATER)).toThrow(
      expect.objectContaining({ code: 'DAEMON_KEY_HISTORY_UNUSABLE' }),
    );
  });
});
