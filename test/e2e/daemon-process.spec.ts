/** The daemon as its own process with its own embedded PostgreSQL: refused starts, a picked port, a graceful stop. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintLocalToken } from '@app/access';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';

const MAIN = join(import.meta.dirname, '../../dist/daemon.js');
const directory = mkdtempSync(join(tmpdir(), 'lacuna-process-'));
let child: ChildProcess | undefined;

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
}

function start(settings: Record<string, string>): Run {
  let out = '';
  let err = '';
  const environment = {
    PATH: process.env['PATH'],
    LACUNA_DATA_DIR: directory,
    LACUNA_PORT: '0',
    ...settings,
  };
  const started = spawn(process.execPath, [MAIN], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  started.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child = started;
  return { child: started, out: () => out, err: () => err };
}

afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
});

describe('a start that cannot be', () => {
  it.each([
    ['an unknown setting', { LACUNA_PROT: '1' }, 'CONFIG_INVALID'],
    ['an address for others without an issuer', { LACUNA_HOST: '0.0.0.0' }, 'AUTH_HOST_NOT_LOOPBACK'],
    ['half an issuer', { LACUNA_JWT_ISSUER: 'https://issuer.example' }, 'AUTH_SETTINGS_INCOMPLETE'],
    ['a key that is not there', { LACUNA_LOG_KEY: '/nonexistent.pem' }, 'DAEMON_KEY_UNUSABLE'],
    [
      'a database that is away',
      { LACUNA_DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' },
      'PERSISTENCE_UNREACHABLE',
    ],
    ['an unusable schedule', { LACUNA_REVERIFY_CRON: 'often' }, 'DAEMON_SCHEDULE_INVALID'],
  ])('%s ends it with one line and code 1', async (_what, settings, code) => {
    const run = start(settings);
    const [exitCode] = (await once(run.child, 'exit')) as [number];
    expect(exitCode).toBe(1);
    expect(run.err().trimEnd().split('\n')).toEqual([expect.stringMatching(`^lacuna daemon: ${code}: `)]);
    expect(run.out()).toBe('');
  });
});

it('says where it is, answers a token of its own issuer, refuses a twin, stops cleanly', async () => {
  const first = start({});
  await until(() => first.out().includes('A token:'));
  const { url, pid } = JSON.parse(readFileSync(join(directory, 'daemon.json'), 'utf8')) as {
    url: string;
    pid: number;
  };
  expect(pid).toBe(first.child.pid);
  expect(first.out()).toContain(`Lacuna is listening on ${url}`);
  expect(first.out()).toContain(`${url}/graphiql`);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const order = { directory, roles: ['auditor'], subject: 'me', ttlSeconds: 60, now: new Date() } as const;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await mintLocalToken(order)}` },
    body: JSON.stringify({ query: '{ me { subject roles } }' }),
  });
  expect(await response.json()).toEqual({ data: { me: { subject: 'me', roles: ['AUDITOR'] } } });

  const twin = start({});
  const [twinCode] = (await once(twin.child, 'exit')) as [number];
  expect(twinCode).toBe(1);
  expect(twin.err()).toContain('PERSISTENCE_DIRECTORY_HELD');

  first.child.kill('SIGTERM');
  const [exitCode] = (await once(first.child, 'exit')) as [number];
  expect(exitCode).toBe(0);
  expect(first.err()).toContain('"msg":"stopped"');
  expect(existsSync(join(directory, 'daemon.json'))).toBe(false);
  expect(existsSync(join(directory, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
  rmSync(directory, { recursive: true, force: true });
});
