/**
 * Keeps one embedded PostgreSQL alive for as long as its owner lives, and no longer than a graceful stop.
 *
 * Ownership is an advisory lock on a connection of its own, so it ends with the owning process however that dies.
 * The server runs on after a kill -9 of the owner; the next owner adopts it. Whoever cannot get the lock refuses to
 * run: two daemons on one directory would stop each other's server. Proven by test/medium/embedded-postgres.spec.ts.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type DatabaseAddress, type Sql } from '../connect.js';
import { PersistenceError } from '../errors.js';
import { type Cluster, initialise, isAlive, launch, runningPostmaster } from './postmaster.js';

/** Any fixed number: the lock lives in the maintenance database, which nothing else uses. */
const OWNER_LOCK = 4_466_000_001;
/** A server recovering a large write-ahead log after a crash may need minutes; less would give up on a healthy one. */
const START_TIMEOUT_MS = 180_000;
/** Between two looks at a server that is not ready yet; a warm start takes about 30 ms. */
const POLL_MS = 25;
/** How long a fast shutdown may take before it becomes an immediate one, which only costs a recovery. */
const STOP_TIMEOUT_MS = 20_000;

export interface SupervisorOptions {
  readonly cluster: Cluster;
  readonly database: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly log: (message: string, facts?: Readonly<Record<string, unknown>>) => void;
}

export class EmbeddedPostgres {
  readonly address: DatabaseAddress;
  private owner: Sql | null = null;
  private child: ChildProcess | null = null;
  private stopping = false;

  private constructor(private readonly options: SupervisorOptions) {
    this.address = { kind: 'socket', directory: options.cluster.socket, database: options.database };
  }

  /**
   * A running server that this process owns.
   * @throws PersistenceError `PERSISTENCE_DIRECTORY_HELD` when another live process owns the directory;
   *   `PERSISTENCE_START_FAILED` when the server does not come up.
   */
  static async start(options: SupervisorOptions): Promise<EmbeddedPostgres> {
    const server = new EmbeddedPostgres(options);
    initialise(options.cluster);
    await server.bringUp();
    await server.makeDatabase();
    return server;
  }

  /** Stops the server (fast shutdown: open transactions are rolled back, everything acknowledged is on disk). */
  async stop(): Promise<void> {
    this.stopping = true;
    const pid = runningPostmaster(this.options.cluster);
    await this.owner?.end({ timeout: 1 }).catch(() => undefined);
    if (pid === null) return;
    process.kill(pid, 'SIGINT');
    if (!(await gone(pid, STOP_TIMEOUT_MS))) process.kill(pid, 'SIGQUIT');
    await gone(pid, STOP_TIMEOUT_MS);
  }

  private async bringUp(): Promise<void> {
    const { cluster, log } = this.options;
    const deadline = Date.now() + START_TIMEOUT_MS;
    const adopted = runningPostmaster(cluster);
    if (adopted !== null) log('found a running embedded PostgreSQL', { pid: adopted });
    while (!this.stopping) {
      if (runningPostmaster(cluster) === null && !this.childLives()) this.spawnServer();
      if (await this.takeOwnership()) {
        if (adopted !== null) log('adopted the running embedded PostgreSQL', { pid: adopted });
        return;
      }
      if (Date.now() > deadline) {
        throw new PersistenceError(
          'PERSISTENCE_START_FAILED',
          `the embedded PostgreSQL did not come up within ${START_TIMEOUT_MS / 1000} s; its log is ${cluster.log}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  private childLives(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  private spawnServer(): void {
    const { cluster, settings, log } = this.options;
    const child = launch(cluster, settings ?? {});
    child.on('error', (error) =>
      log('the embedded PostgreSQL could not be started', { error: error.message }),
    );
    child.unref();
    this.child = child;
    log('started the embedded PostgreSQL', { pid: child.pid });
  }

  /** True once this process holds the owner lock; false while the server is not ready. */
  private async takeOwnership(): Promise<boolean> {
    const address = { kind: 'socket', directory: this.options.cluster.socket, database: 'postgres' } as const;
    const sql = connect(address, {
      as: 'login',
      name: 'lacuna-owner',
      poolSize: 1,
      onClose: () => this.ownerLost(sql),
    });
    try {
      const [row] = await sql<{ held: boolean }[]>`select pg_try_advisory_lock(${OWNER_LOCK}) as held`;
      if (row?.held) {
        this.owner = sql;
        return true;
      }
    } catch {
      await sql.end({ timeout: 0 });
      return false; // not accepting connections yet; bringUp keeps the time
    }
    await sql.end({ timeout: 0 });
    throw new PersistenceError(
      'PERSISTENCE_DIRECTORY_HELD',
      `another running Lacuna daemon holds ${this.options.cluster.directory}. ` +
        'Stop it, set another LACUNA_DATA_DIR, or let both use one PostgreSQL by LACUNA_DATABASE_URL.',
    );
  }

  /** The owner connection closed without a stop: the server crashed or was killed, so bring it up again. */
  private ownerLost(sql: Sql): void {
    if (this.stopping || this.owner !== sql) return;
    this.owner = null;
    this.options.log('the embedded PostgreSQL went away; bringing it up again');
    void sql.end({ timeout: 0 });
    this.bringUp().catch((error: unknown) => {
      this.options.log('the embedded PostgreSQL stays down', { error: String(error) });
    });
  }

  private async makeDatabase(): Promise<void> {
    const { database } = this.options;
    const [row] = await this.owner!`select 1 from pg_database where datname = ${database}`;
    if (!row) await this.owner!`create database ${this.owner!(database)}`;
  }
}

async function gone(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
