/**
 * From configuration to an address: the external server that is configured, the embedded one that runs already, or one
 * that this process starts and owns. Everything after the address is the same.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '@app/config';
import { connect, type DatabaseAddress } from './connect.js';
import { locateBinaries } from './embedded/binaries.js';
import { type DataDirectory, resolveDataDirectory } from './embedded/data-directory.js';
import { prepareCluster } from './embedded/postmaster.js';
import { EmbeddedPostgres, type SupervisorOptions } from './embedded/supervisor.js';
import { PersistenceError } from './errors.js';
import { projectRoot } from './project-root.js';

/** Database name inside the embedded server. */
const DATABASE = 'lacuna';
const ATTACH_POLL_MS = 100;

type Log = SupervisorOptions['log'];

export interface OpenDatabase {
  readonly address: DatabaseAddress;
  /** Stops the embedded server if this process owns one. */
  close(): Promise<void>;
}

const runsAsRoot = (): boolean => process.getuid?.() === 0;

/** The data directory of `config`, made if absent; logs where it is when it is not where one would look. */
export function dataDirectory(config: Config, log: Log = () => undefined): DataDirectory {
  // Only a server of our own, which does not run as root, needs to get through to it.
  const unprivileged = runsAsRoot() && !config.LACUNA_DATABASE_URL;
  const directory = resolveDataDirectory(config.LACUNA_DATA_DIR, projectRoot(), unprivileged);
  if (directory.movedBecause) log(`the data lie in ${directory.path}: ${directory.movedBecause}`);
  return directory;
}

function cluster(config: Config, log?: Log) {
  const { path } = dataDirectory(config, log);
  return prepareCluster(path, locateBinaries(path, runsAsRoot()), runsAsRoot());
}

/**
 * The configured external database, or an embedded one started (or adopted) and owned by this process.
 * @throws PersistenceError `PERSISTENCE_UNREACHABLE` for an external one; for ours see {@link EmbeddedPostgres.start}
 */
export async function ownDatabase(
  config: Config,
  log: Log,
  settings: Readonly<Record<string, string>> = {},
): Promise<OpenDatabase> {
  if (config.LACUNA_DATABASE_URL) {
    const address = { kind: 'url', url: config.LACUNA_DATABASE_URL } as const;
    await reachDatabase(address);
    return { address, close: () => Promise.resolve() };
  }
  const server = await EmbeddedPostgres.start({
    cluster: cluster(config, log),
    database: DATABASE,
    settings,
    log,
  });
  return { address: server.address, close: () => server.stop() };
}

/**
 * The configured external database, or the embedded one that a daemon on the same data directory keeps running.
 * @throws PersistenceError `PERSISTENCE_NOT_RUNNING` when none answers within `patienceMs`.
 */
export async function attachDatabase(config: Config, log: Log, patienceMs: number): Promise<OpenDatabase> {
  if (config.LACUNA_DATABASE_URL) {
    return { address: { kind: 'url', url: config.LACUNA_DATABASE_URL }, close: () => Promise.resolve() };
  }
  const { socket } = cluster(config, log);
  const address: DatabaseAddress = { kind: 'socket', directory: socket, database: DATABASE };
  const deadline = Date.now() + patienceMs;
  for (let waited = false; !(await answers(address)); waited = true) {
    if (!waited) log('waiting for the daemon that runs the embedded PostgreSQL', { socket });
    if (Date.now() > deadline) {
      throw new PersistenceError(
        'PERSISTENCE_NOT_RUNNING',
        'no embedded PostgreSQL answers in the data directory: start the daemon first, or set LACUNA_DATABASE_URL',
        { retryable: true },
      );
    }
    await delay(ATTACH_POLL_MS);
  }
  return { address, close: () => Promise.resolve() };
}

/** @throws PersistenceError `PERSISTENCE_UNREACHABLE` with the reason */
export async function reachDatabase(address: DatabaseAddress): Promise<void> {
  const sql = connect(address, { as: 'login', name: 'lacuna-probe', poolSize: 1 });
  try {
    await sql`select 1`;
  } catch (cause) {
    throw databaseUnreachable(cause);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** Driver and server name host, role or database in what they say, never a password. */
export function databaseUnreachable(cause: unknown): PersistenceError {
  return new PersistenceError(
    'PERSISTENCE_UNREACHABLE',
    `no database: ${(cause as Error).message}; start it, or correct LACUNA_DATABASE_URL`,
    { cause, retryable: true },
  );
}

const answers = (address: DatabaseAddress): Promise<boolean> =>
  reachDatabase(address).then(
    () => true,
    () => false,
  );
