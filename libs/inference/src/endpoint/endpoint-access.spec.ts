import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkEndpoint, endpointAccess, guardedLookup } from './endpoint-access.js';

const access = (...hosts: string[]) => endpointAccess(hosts, undefined);
const verdict = (url: string, ...hosts: string[]): string => {
  try {
    checkEndpoint(url, access(...hosts));
    return 'allowed';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('checkEndpoint', () => {
  it.each([
    ['http://models.internal:8000/', ['models.internal']],
    ['http://models.internal:8000', ['models.internal:8000']],
    ['https://models.internal', ['models.internal:443']],
    ['http://MODELS.internal', ['models.internal:80']],
    ['https://a.models.internal/prefix', ['*.models.internal']],
    ['https://a.b.models.internal', ['other', '*.models.internal:443']],
    ['http://127.0.0.1:8080', ['127.0.0.1']],
    ['http://10.1.2.3:8080', ['10.1.2.3:8080']],
    ['http://[::1]:8080', ['[::1]:8080']],
  ])('%s is allowed by %j', (url, hosts) => {
    expect(verdict(url, ...hosts)).toBe('allowed');
  });

  it.each([
    ['http://models.internal', []],
    ['http://models.internal:8001', ['models.internal:8000']],
    ['http://models.internal.example', ['models.internal']],
    ['http://xmodels.internal', ['*.models.internal']],
    ['http://models.internal', ['*.models.internal']],
    ['http://127.0.0.1:8080', ['localhost']],
    ['http://user:secret@models.internal', ['models.internal']],
    ['http://models.internal/?token=secret', ['models.internal']],
    ['http://models.internal/#x', ['models.internal']],
    ['ftp://models.internal', ['models.internal']],
    ['file:///etc/passwd', ['']],
    ['models.internal', ['models.internal']],
    ['http://169.254.169.254', ['169.254.169.254']],
    ['http://2852039166', ['169.254.169.254']],
    ['http://[::ffff:169.254.169.254]', ['[::ffff:a9fe:a9fe]']],
    ['http://[fe80::1]', ['[fe80::1]']],
    ['http://[fd00:ec2::254]', ['[fd00:ec2::254]']],
    ['http://0.0.0.0', ['0.0.0.0']],
    ['http://224.0.0.1', ['224.0.0.1']],
  ])('%s is refused by %j', (url, hosts) => {
    expect(verdict(url, ...hosts)).toBe('RUNTIME_ENDPOINT_FORBIDDEN');
  });

  it('gives the parts of the address', () => {
    expect(checkEndpoint('https://[::1]/some/prefix//', access('[::1]'))).toEqual({
      secure: true,
      hostname: '::1',
      port: 443,
      basePath: '/some/prefix',
      token: null,
    });
  });
});

describe('tokens', () => {
  const withFile = (content: string, url: string): string | null | { code: string; text: string } => {
    const folder = mkdtempSync(join(tmpdir(), 'lacuna-tokens-'));
    try {
      writeFileSync(join(folder, 'tokens.json'), content);
      return checkEndpoint(
        url,
        endpointAccess(['*.internal', 'models.internal'], join(folder, 'tokens.json')),
      ).token;
    } catch (error) {
      return { code: (error as { code: string }).code, text: String((error as Error).stack) };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const file = JSON.stringify({ 'models.internal:8000': 'of-port', 'Models.internal': 'of-host' });

  it('belong to a host, or to one of its ports', () => {
    expect(withFile(file, 'http://models.internal:8000')).toBe('of-port');
    expect(withFile(file, 'http://models.internal:8001')).toBe('of-host');
    expect(withFile(file, 'http://other.internal')).toBeNull();
  });

  it.each(['{"models.internal": "sec ret"}', '{"models.internal": "sec\\nret"}', '{"secret', '["secret"]'])(
    'are refused without being quoted: %s',
    (content) => {
      const refusal = withFile(content, 'http://models.internal');
      expect(refusal).toMatchObject({ code: 'RUNTIME_UNAVAILABLE' });
      expect(JSON.stringify(refusal)).not.toContain('sec');
    },
  );
});

describe('guardedLookup', () => {
  const resolve = (host: string, all: boolean) =>
    new Promise((done) => {
      guardedLookup(host, { all }, (error, address, family) =>
        done(error ? error.message : [address, family]),
      );
    });

  it('refuses names that lead to addresses which are never allowed', async () => {
    expect(await resolve('169.254.169.254', false)).toMatch(/link-local/);
    expect(await resolve('fe80::1', true)).toMatch(/link-local/);
  });

  it('resolves others in both manners of asking', async () => {
    expect(await resolve('127.0.0.1', false)).toEqual(['127.0.0.1', 4]);
    expect(await resolve('127.0.0.1', true)).toEqual([[{ address: '127.0.0.1', family: 4 }], undefined]);
  });
});
