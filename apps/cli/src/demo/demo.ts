/** The main job, end to end, on real recorded losses. */
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mintLocalToken, type Role } from '@app/access';
import { type KeySet, parseKeySet } from '@app/attestation';
import { loadConfig } from '@app/config';
import { dataDirectory, projectRoot } from '@app/persistence';
import { CliError } from '../errors.js';
import { ApiClient } from './api-client.js';
import { type Dataset, loadDataset } from './dataset.js';
import { paperAuc } from './paper-figure.js';
import { Processes } from './processes.js';
import { registerEverything } from './register.js';
import { type DemoReport, type ReleaseReport, reportAsJson, reportAsText } from './report.js';
import { tamperTrials } from './tamper.js';
import { awaitVerifications, downloadFiles, verifyOffline } from './verified-releases.js';

export interface DemoRequest {
  readonly data?: string;
  readonly json?: true;
  readonly exit?: true;
}

/** A run takes under a minute; the tokens outlive it comfortably. */
const TOKEN_SECONDS = 3600;

interface Stage {
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly processes: Processes;
  readonly say: (text: string) => void;
}

export async function runDemo(request: DemoRequest): Promise<void> {
  const started = Date.now();
  const say = (text: string) =>
    void process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
  const dataset = await loadDataset(
    request.data ?? join(projectRoot(), 'apps', 'cli', 'assets', 'muse-news'),
  );
  const stage = prepareStage(say);
  const interrupted = stopOnSignals(stage.processes, say);
  try {
    const url = await startProcesses(stage);
    const report = await perform(stage, dataset, url, started);
    process.stdout.write(request.json ? `${reportAsJson(report)}\n` : reportAsText(report));
    if (report.tamper.some((trial) => !trial.caught)) process.exitCode = 1;
    if (!request.exit) {
      process.stderr.write(`\nThe daemon stays up: ${url}/graphiql\n`);
      process.stderr.write(
        `A token for it:      LACUNA_DATA_DIR=${stage.directory} npm run -s lacuna -- token --role auditor\n`,
      );
      process.stderr.write('Ctrl-C ends it.\n');
      await interrupted;
    }
  } finally {
    await stage.processes.stop();
  }
}

/** The demo keeps to a directory of its own, so that it never mixes with an installation's ledger. */
function prepareStage(say: (text: string) => void): Stage {
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
  return { directory, environment, processes: new Processes(directory, environment), say };
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends at once. */
function stopOnSignals(processes: Processes, say: (text: string) => void): Promise<void> {
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

async function startProcesses({ processes, say }: Stage): Promise<string> {
  say('starting PostgreSQL, the daemon and a worker');
  const url = await processes.startDaemon();
  processes.start('worker');
  say(`the daemon listens on ${url}`);
  return url;
}

async function perform(stage: Stage, dataset: Dataset, url: string, started: number): Promise<DemoReport> {
  const { directory, processes, say } = stage;
  const platform = await clientFor(stage, url, 'platform');
  const auditor = await clientFor(stage, url, 'auditor');
  const registered = await registerEverything(platform, dataset, say);
  const verified = await awaitVerifications(auditor, registered.releases, say, () =>
    processes.ensureRunning(),
  );
  const output = join(directory, 'attestations');
  mkdirSync(output, { recursive: true });
  const { path: jwks, keySet } = await fetchKeys(url, output);
  say('downloading attestations and proof bundles, verifying all of them offline');
  const releases: ReleaseReport[] = [];
  for (const one of verified) {
    const files = await downloadFiles(auditor, one, registered, output);
    const checks = await verifyOffline(files, keySet, undefined);
    const { name } = one.registered.recorded;
    releases.push({
      name,
      outcome: one.outcome,
      paperAuc: paperAuc(dataset, one.registered.recorded),
      files,
      checks,
    });
  }
  say('tampering with a copy of an attestation, of a bundle, and with a ledger row');
  const { attestation, bundle } = releases.at(-1)!.files;
  const tamper = await tamperTrials({ attestation, bundle, keySet, environment: stage.environment });
  return { releases, jwks, tamper, seconds: (Date.now() - started) / 1000 };
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

async function fetchKeys(url: string, output: string): Promise<{ path: string; keySet: KeySet }> {
  const response = await fetch(`${url}/.well-known/jwks.json`);
  if (!response.ok)
    throw new CliError('CLI_KEYS_UNREACHABLE', `the daemon's key set answers HTTP ${response.status}`);
  const text = await response.text();
  const path = join(output, 'jwks.json');
  await writeFile(path, text);
  return { path, keySet: parseKeySet(text) };
}
