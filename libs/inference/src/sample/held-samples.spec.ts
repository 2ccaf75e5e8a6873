import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { lookup } from 'node:dns';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkHeldUrl, guardedLookup } from './held-access.js';
import { HeldSamples } from './held-samples.js';
import { encodeSample } from './payload.js';

const SECRET = 'content of a kept sample';
const FILE = JSON.stringify({ text: SECRET });
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

let directory: string;
let server: Server;
let port: number;
let ca: string;
const answers = new Map<string, (response: ServerResponse) => void>();
let requests = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lacuna-held-'));
  const [key, certificate, config] = ['key', 'cert', 'conf'].map((name) => join(directory, name));
  writeFileSync(config!, '[req]\ndistinguished_name=dn\n[dn]\n');
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'].concat(
      ['-subj', '/CN=samples.test', '-addext', 'subjectAltName=DNS:samples.test,DNS:localhost,IP:127.0.0.1'],
      ['-keyout', key!, '-out', certificate!, '-config', config!],
    ),
    { stdio: 'ignore' },
  );
  ca = readFileSync(certificate!, 'utf8');
  server = createServer({ key: readFileSync(key!), cert: ca }, (request, response) => {
    requests += 1;
    answers.get(request.url!)!(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

const access = () => ({ hosts: [`samples.test:${port}`, `127.0.0.1:${port}`], allowsPrivate: true });
/** The system's resolver, with one name more. */
const resolveTo = (...addresses: string[]) =>
  ((_name: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )) as unknown as typeof lookup;

function held(
  options: { allowsPrivate?: boolean; timeoutMs?: number; addresses?: string[] } = {},
): HeldSamples {
  const allowed = { ...access(), allowsPrivate: options.allowsPrivate ?? true };
  return new HeldSamples({
    access: allowed,
    timeoutMs: options.timeoutMs ?? 5000,
    ca,
    lookup: guardedLookup(allowed, resolveTo(...(options.addresses ?? ['127.0.0.1']))),
  });
}

function reference(path: string, answer: (response: ServerResponse) => void, text = FILE): Uint8Array {
  answers.set(path, answer);
  const url = `https://samples.test:${port}${path}`;
  return encodeSample({ form: 'reference', url, sha256: digestOf(text), sizeBytes: Buffer.byteLength(text) });
}
const ok = (text: string) => (response: ServerResponse) => response.end(text);

describe('kept samples', () => {
  it('are fetched, checked and put in the place of their reference', async () => {
    const samples = held();
    const other = encodeSample({ form: 'text', text: 'in the vault' });
    const many = Array.from({ length: 40 }, (_, i) => reference(`/ok-${i}`, ok(FILE)));
    const { payloads, refused } = await samples.fetchAll([null, other, ...many]);
    expect(refused.size).toBe(0);
    const fetched = encodeSample({ form: 'text', text: SECRET });
    expect(payloads).toEqual([null, other, ...many.map(() => fetched)]);
    samples.close();
  });

  it.each<[string, string, (response: ServerResponse) => void, string?]>([
    ['other bytes of the same length', 'SAMPLE_DIGEST_MISMATCH', ok(FILE.replace('kept', 'lost'))],
    ['fewer bytes', 'SAMPLE_DIGEST_MISMATCH', ok(FILE.slice(1))],
    ['more bytes than promised', 'SAMPLE_DIGEST_MISMATCH', ok(FILE.repeat(100_000))],
    ['a redirect', 'SAMPLE_HOST_REFUSED', (response) => response.writeHead(302, { location: '/ok-0' }).end()],
    ['a refusal', 'SAMPLE_HOST_REFUSED', (response) => response.writeHead(403).end(SECRET)],
    ['no JSON', 'SAMPLE_MALFORMED', ok(`${SECRET}{`), `${SECRET}{`],
    ['no sample', 'SAMPLE_MALFORMED', ok(`{"secret":"${SECRET}"}`), `{"secret":"${SECRET}"}`],
  ])('that come as %s are refused with %s, alone, and unquoted', async (name, code, answer, text) => {
    const samples = held();
    const bad = reference(`/bad-${name.replaceAll(' ', '-')}`, answer, text);
    const { payloads, refused } = await samples.fetchAll([bad, reference('/good', ok(FILE))]);
    expect([...refused].map(([place, error]) => [place, error.code])).toEqual([[0, code]]);
    expect(payloads[0]).toBeNull();
    expect(payloads[1]).toEqual(encodeSample({ form: 'text', text: SECRET }));
    expect(`${String(refused.get(0))} ${String(refused.get(0)?.cause)}`).not.toContain(SECRET);
    samples.close();
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['503', (response) => response.writeHead(503).end()],
    ['429', (response) => response.writeHead(429).end()],
    ['a broken connection', (response) => response.socket!.destroy()],
    ['silence', () => undefined],
  ])('that come as %s may come later: nothing is decided', async (name, answer) => {
    const samples = held({ timeoutMs: 500 });
    await expect(
      samples.fetchAll([reference(`/later-${name.replaceAll(' ', '-')}`, answer)]),
    ).rejects.toMatchObject({
      code: 'SAMPLE_HOST_UNAVAILABLE',
      retryable: true,
    });
    samples.close();
  });

  it('are not fetched from a host whose certificate is not trusted', async () => {
    const samples = new HeldSamples({
      access: access(),
      timeoutMs: 5000,
      lookup: guardedLookup(access(), resolveTo('127.0.0.1')),
    });
    await expect(samples.fetchAll([reference('/tls', ok(FILE))])).rejects.toMatchObject({
      code: 'SAMPLE_HOST_UNAVAILABLE',
    });
    samples.close();
  });

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    'fd00:ec2::254',
    'fc00::1',
    '64:ff9b::a00:1',
  ])('are not fetched from a name that leads to %s', async (address) => {
    const before = requests;
    const samples = held({ allowsPrivate: false, addresses: ['93.184.215.14', address] });
    const { refused } = await samples.fetchAll([reference('/private', ok(FILE))]);
    expect(refused.get(0)).toMatchObject({ code: 'SAMPLE_HOST_FORBIDDEN' });
    expect(requests).toBe(before);
    samples.close();
  });
});

describe('the address of a kept sample', () => {
  const check =
    (url: string, hosts: string[], allowsPrivate = false) =>
    () =>
      checkHeldUrl(url, { hosts, allowsPrivate });
  const forbidden = expect.objectContaining({ code: 'SAMPLE_HOST_FORBIDDEN' }) as Error;

  it('must be https at a host that is named', () => {
    expect(check('https://a.example/x', ['a.example'])).not.toThrow();
    expect(check('https://b.a.example/x', ['*.a.example'])).not.toThrow();
    expect(check('http://a.example/x', ['a.example'])).toThrowError(forbidden);
    expect(check('https://b.example/x', ['a.example'])).toThrowError(forbidden);
    expect(check('https://a.example:8443/x', ['a.example:443'])).toThrowError(forbidden);
    expect(check('https://a.example/x', [])).toThrowError(forbidden);
  });

  it('may be a private one only where that is allowed, and a link-local one never', () => {
    const url = 'https://10.0.0.1/x';
    expect(check(url, ['10.0.0.1'])).toThrowError(forbidden);
    expect(check(url, ['10.0.0.1'], true)).not.toThrow();
    expect(check('https://169.254.169.254/x', ['169.254.169.254'], true)).toThrowError(forbidden);
    expect(check('https://[fd00:ec2::254]/x', ['[fd00:ec2::254]'], true)).toThrowError(forbidden);
  });
});
