/**
 * One PostgreSQL server process on one directory: make the cluster, start it, find the one that already runs, stop it.
 * The decisions when to do which are in supervisor.ts.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PersistenceError } from '../errors.js';
import { EMBEDDED_USER } from '../connect.js';
import { UNPRIVILEGED_ID } from './data-directory.js';

export interface Cluster {
  readonly binaries: string;
  /** Parent of everything PostgreSQL owns. */
  readonly directory: string;
  readonly data: string;
  readonly socket: string;
  readonly log: string;
  readonly identity: { readonly uid: number; readonly gid: number } | Record<string, never>;
}

/** sun_path holds 108 bytes with its terminator; a longer socket path is refused by the kernel. */
const LONGEST_SOCKET_PATH = 107;
const SOCKET_FILE = '.s.PGSQL.5432';

/** The paths of the cluster below `dataDirectory`, its directories made and owned by the server's user. */
export function prepareCluster(dataDirectory: string, binaries: string, asRoot: boolean): Cluster {
  const directory = join(dataDirectory, 'postgres');
  const inside = join(directory, 'socket');
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const fits = Buffer.byteLength(join(inside, SOCKET_FILE)) <= LONGEST_SOCKET_PATH;
  const socket = fits ? inside : join(tmpdir(), `lacuna-${digest}`);
  for (const path of [directory, socket]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (asRoot) chownSync(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    chmodSync(path, 0o700);
  }
  const identity = asRoot ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {};
  return {
    binaries,
    directory,
    data: join(directory, 'data'),
    socket,
    log: join(directory, 'postgres.log'),
    identity,
  };
}

/** Makes the cluster if there is none; a half-made one (killed initdb) is thrown away, never used. */
export function initialise(cluster: Cluster): void {
  if (existsSync(join(cluster.data, 'PG_VERSION'))) return;
  const draft = join(cluster.directory, `data.draft-${process.pid}`);
  rmSync(draft, { recursive: true, force: true });
  const run = spawnSync(
    join(cluster.binaries, 'bin', 'initdb'),
    ['-D', draft, '-U', EMBEDDED_USER, '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'],
    {
      ...cluster.identity,
      encoding: 'utf8',
      cwd: cluster.directory,
      env: { PATH: process.env['PATH'], TZ: 'UTC' },
    },
  );
  if (run.status !== 0) {
    throw new PersistenceError(
      'PERSISTENCE_START_FAILED',
      `initdb failed in ${cluster.directory}: ${run.stderr?.trim() || String(run.error)}`,
    );
  }
  try {
    renameSync(draft, cluster.data);
  } catch (cause) {
    // Another process made the cluster first: rename onto a non-empty directory fails, and theirs is as good.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(join(cluster.data, 'PG_VERSION'))) {
      throw new PersistenceError(
        'PERSISTENCE_START_FAILED',
        `cannot place the new cluster at ${cluster.data}`,
        { cause },
      );
    }
  }
}

/**
 * Starts the server in a session of its own, so that a Ctrl-C at the terminal reaches Lacuna alone, which then stops
 * the server last.
 */
export function launch(cluster: Cluster, settings: Readonly<Record<string, string>>): ChildProcess {
  rmSync(join(cluster.socket, `${SOCKET_FILE}.lock`), { force: true });
  const log = openSync(cluster.log, 'a');
  const options = Object.entries({
    listen_addresses: '',
    unix_socket_directories: cluster.socket,
    unix_socket_permissions: '0700',
    max_connections: '200',
    shared_buffers: '256MB',
    max_wal_size: '2GB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Statement texts could hold sample identifiers; they stay out of the server's log.
    log_min_error_statement: 'panic',
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  try {
    return spawn(join(cluster.binaries, 'bin', 'postgres'), ['-D', cluster.data, ...options], {
      ...cluster.identity,
      cwd: cluster.directory,
      env: { PATH: process.env['PATH'], TZ: 'UTC' },
      detached: true,
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}

/** Process id in postmaster.pid when that process lives and is a PostgreSQL; null for a stale or absent file. */
export function runningPostmaster(cluster: Cluster): number | null {
  const file = join(cluster.data, 'postmaster.pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isAlive(pid)) return null;
  if (process.platform !== 'linux') return pid;
  if (commandOf(pid).includes('postgres')) return pid;
  // The id was given to a stranger after a reboot; PostgreSQL itself would refuse to start over this file.
  rmSync(file, { force: true });
  return null;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // gone between the two looks
  }
}
