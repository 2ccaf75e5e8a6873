/** Where a demo plays: a data directory of its own, a daemon and a worker as processes, clients, a clock for its lines. */
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mintLocalToken, type Role } from '@app/access';
import { type KeySet, parseKeySet } from '@app/attestation';
import { loadConfig } from '@app/config';
import { dataDirectory } from '@app/persistence';
import { CliError } from '../errors.js';
import { ApiClient } from './api-client.js';
import { Processes } from './processes.js';

/** The tokens outlive a run comfortably. */
const TOKEN_SECONDS = 3600;

export interface Stage {
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly processes: Processes;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** A line on standard error, with the seconds since the start. */
  readonly say: (text: string) => void;
}

export interface Ending {
  readonly json?: true | undefined;
  readonly exit?: true | undefined;
}

export interface Performance {
  readonly text: string;
  readonly json: string;
  /** False makes the exit code 1. */
  readonly sound: boolean;
}

/** Prepares a stage, lets `act` play on it, prints what comes of it, and keeps the daemon up until Ctrl-C unless asked to end. */
export async function onStage(
  { json, exit }: Ending,
  act: (stage: Stage) => Promise<Performance>,
): Promise<void> {
  const stage = prepareStage();
  const interrupted = stopOnSignals(stage);
  try {
    const performance = await act(stage);
    process.stdout.write(json ? `${performance.json}\n` : performance.text);
    if (!performance.sound) process.exitCode = 1;
    if (!exit) {
      const { directory, processes } = stage;
      process.stderr.write(`\nThe daemon stays up: ${processes.url}/graphiql\n`);
      process.stderr.write(
        `A token for it:      LACUNA_DATA_DIR=${directory} npm run -s lacuna -- token --role auditor\n`,
      );
      process.stderr.write('Ctrl-C ends it.\n');
      await interrupted;
    }
  } finally {
    await stage.processes.stop();
  }
}

/** A demo keeps to a directory of its own, so that it never mixes with an installation's ledger. */
function prepareStage(): Stage {
  const started = Date.now();
  const say = (text: string) =>
    void process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
  const { LACUNA_JWT_JWKS, LACUNA_JWT_ISSUER, LACUNA_JWT_AUDIENCE, ...inherited } = process.env;
  if (LACUNA_JWT_JWKS ?? LACUNA_JWT_ISSUER ?? LACUNA_JWT_AUDIENCE)
    say('the demo uses its own local issuer, not LACUNA_JWT_*');
  const directory = join(dataDirectory(loadConfig(inherited), say).path, 'demo');
  const environment = {
    ...inherited,
    LACUNA_DATA_DIR: directory,
    LACUNA_HOST: '127.0.0.1',
    LACUNA_PORT: process.env['LACUNA_PORT'] ?? '0',
  };
  return { directory, environment, processes: new Processes(directory, environment), started, say };
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends at once. */
function stopOnSignals({ processes, say }: Stage): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      if (asked) process.exit(130);
      asked = true;
      say('stopping');
      resolve();
      void processes.stop().finally(() => process.exit(process.exitCode ?? 0));
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

/** Returns clients for the two roles that a demo plays. */
export async function startProcesses(
  stage: Stage,
): Promise<{ readonly platform: ApiClient; readonly auditor: ApiClient }> {
  const { processes, say } = stage;
  say('starting PostgreSQL, the daemon and a worker');
  const url = await processes.startDaemon();
  processes.start('worker');
  say(`the daemon listens on ${url}`);
  return {
    platform: await clientFor(stage, url, 'platform'),
    auditor: await clientFor(stage, url, 'auditor'),
  };
}

async function clientFor({ directory }: Stage, url: string, role: Role): Promise<ApiClient> {
  const token = await mintLocalToken({
    directory,
    roles: [role],
    subject: `demo-${role}`,
    ttlSeconds: TOKEN_SECONDS,
    now: new Date(),
  });
  return new ApiClient(url, token);
}

/** Keeps the daemon's key set beside the attestations in `output`. @throws CliError `CLI_KEYS_UNREACHABLE` */
export async function fetchKeys(url: string, output: string): Promise<{ path: string; keySet: KeySet }> {
  mkdirSync(output, { recursive: true });
  const response = await fetch(`${url}/.well-known/jwks.json`);
  if (!response.ok)
    throw new CliError('CLI_KEYS_UNREACHABLE', `the daemon's key set answers HTTP ${response.status}`);
  const text = await response.text();
  const path = join(output, 'jwks.json');
  await writeFile(path, text);
  return { path, keySet: parseKeySet(text) };
}
