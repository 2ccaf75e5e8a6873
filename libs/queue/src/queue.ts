/**
 * Work for workers: pg-boss over the same PostgreSQL, so that a job is enqueued in the very transaction that creates
 * the need for it. Jobs carry identifiers only. Delivery is at least once; every handler is idempotent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '@app/errors';
import type { Database, Queryable, Sql } from '@app/persistence';
import { CompiledQuery } from 'kysely';
import PgBoss from 'pg-boss';

export type QueueName =
  'verification.plan' | 'verification.block' | 'verification.conclude' | 'verification.attest';

interface QueuePolicy {
  /** After this a job that its worker never finished is given to another one: the lease. */
  readonly expireInSeconds: number;
  readonly retryLimit: number;
  readonly retryDelay: number;
}

/** Too short a lease runs slow blocks twice (harmless, wasteful); too long leaves a killed worker's block waiting. */
const POLICIES: Record<QueueName, QueuePolicy> = {
  'verification.plan': { expireInSeconds: 30, retryLimit: 20, retryDelay: 1 },
  'verification.block': { expireInSeconds: 30, retryLimit: 20, retryDelay: 1 },
  'verification.conclude': { expireInSeconds: 60, retryLimit: 20, retryDelay: 1 },
  'verification.attest': { expireInSeconds: 60, retryLimit: 20, retryDelay: 1 },
};

const SCHEMA = 'pgboss';
/** The longest a job waits for an idle worker; shorter asks the database more often for nothing. */
const POLL_MS = 500;
/** Between two attempts to report the end of a job to a database that is not there. */
const REPORT_POLL_MS = 250;
/** How often ended leases are looked for; longer leaves a killed worker's block waiting. */
const LEASE_CHECK_SECONDS = 2;

export interface SendOptions {
  /** Debounces: jobs of this name and key sent within a second become one, run after the last of them. */
  readonly singletonKey?: string;
  readonly startAfterSeconds?: number;
  readonly priority?: number;
  /** Lease of this job where the queue's own would be too short for its size. */
  readonly expireInSeconds?: number;
}

export interface Job<T> {
  readonly id: string;
  readonly data: T;
  /** No further try follows a failure of this one: the handler should record it for people. */
  readonly lastTry: boolean;
}

export interface QueueHooks {
  /** A job failed; `final` when it will not be tried again. */
  readonly onFailure: (name: QueueName, jobId: string, error: unknown, final: boolean) => void;
}

/** Creates or updates pg-boss's own tables, and our queues, as the application role; runs under the migration lock. */
export async function installQueue(connection: Pick<Sql, 'unsafe'>): Promise<void> {
  await connection.unsafe('set role lacuna_app');
  try {
    const boss = openBoss(connectionExecutor(connection), { migrate: true });
    if (await boss.isInstalled()) {
      await boss.start();
      await boss.stop({ graceful: false, close: false });
    } else {
      // The schema exists already, made by a migration; the application role may not create schemas.
      await connection.unsafe(
        PgBoss.getConstructionPlans(SCHEMA).replace(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`, ''),
      );
    }
    // Here and nowhere else: two processes that make the same queue at once lock each other out.
    for (const [name, policy] of Object.entries(POLICIES)) {
      await boss.createQueue(name, { name, policy: 'standard', retryBackoff: true, ...policy });
    }
  } finally {
    await connection.unsafe('reset role');
  }
}

function openBoss(executeSql: PgBoss.Db['executeSql'], options: PgBoss.ConstructorOptions): PgBoss {
  return new PgBoss({
    ...options,
    schema: SCHEMA,
    schedule: false,
    maintenanceIntervalSeconds: LEASE_CHECK_SECONDS,
    db: { executeSql },
  });
}

/** node-postgres, which pg-boss is written for, sends undefined as null; postgres.js refuses it. */
const nullsForUndefined = (values: readonly unknown[] | undefined): never[] =>
  (values ?? []).map((value) => value ?? null) as never[];

function connectionExecutor(sql: Pick<Sql, 'unsafe'>): PgBoss.Db['executeSql'] {
  return async (text, values) => ({ rows: [...(await sql.unsafe(text, nullsForUndefined(values)))] });
}

/** In the transaction of `on`, where it is one. */
function executorOf(on: Queryable): PgBoss.Db['executeSql'] {
  return async (text, values) => {
    const { rows } = await on.executeQuery(CompiledQuery.raw(text, nullsForUndefined(values)));
    return { rows: rows as never[] };
  };
}

export class Queue {
  private readonly boss: PgBoss;
  private started: Promise<unknown> | null = null;
  private readonly stopping = new AbortController();
  private readonly lanes: Promise<void>[] = [];

  constructor(
    db: Database,
    private readonly hooks: QueueHooks = { onFailure: () => undefined },
  ) {
    this.boss = openBoss(executorOf(db), { migrate: false });
    // Without a listener an EventEmitter's 'error' ends the process; a lost connection is found again by polling.
    this.boss.on('error', () => undefined);
  }

  /** Opens the queues that {@link installQueue} made; safe to call from every process and more than once. */
  async start(): Promise<void> {
    await (this.started ??= this.boss.start());
  }

  /**
   * Enqueues in the caller's transaction: the job exists exactly if the transaction commits.
   * @returns the job id, or null when a job with the same singleton key waits already
   */
  async send(
    tx: Queryable,
    name: QueueName,
    data: object,
    options: SendOptions = {},
  ): Promise<string | null> {
    await this.start();
    return this.boss.send(name, data, {
      ...(options.singletonKey
        ? { singletonKey: options.singletonKey, singletonSeconds: 1, singletonNextSlot: true }
        : {}),
      ...(options.startAfterSeconds ? { startAfter: options.startAfterSeconds } : {}),
      ...(options.priority ? { priority: options.priority } : {}),
      ...(options.expireInSeconds ? { expireInSeconds: options.expireInSeconds } : {}),
      db: { executeSql: executorOf(tx) },
    });
  }

  /**
   * Takes jobs of `name`, `concurrency` at a time, until {@link stop}. pg-boss's own workers are not used: they report
   * the end of a job without waiting for the answer, so a database that is away at that moment ends the process.
   */
  async work<T extends object>(
    name: QueueName,
    options: { readonly concurrency: number },
    handler: (job: Job<T>) => Promise<void>,
  ): Promise<void> {
    await this.start();
    for (let lane = 0; lane < options.concurrency; lane += 1) this.lanes.push(this.takeJobs(name, handler));
  }

  private async takeJobs<T extends object>(
    name: QueueName,
    handler: (job: Job<T>) => Promise<void>,
  ): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const job = await this.fetch<T>(name);
      if (job) await this.run(name, job, handler);
      else await delay(POLL_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** Undefined where none waits, and where the database cannot be asked: the next look finds out. */
  private async fetch<T extends object>(name: QueueName): Promise<PgBoss.JobWithMetadata<T> | undefined> {
    try {
      const [job] = await this.boss.fetch<T>(name, { batchSize: 1, includeMetadata: true });
      return job;
    } catch (error) {
      this.boss.emit('error', error);
      return undefined;
    }
  }

  private async run<T extends object>(
    name: QueueName,
    job: PgBoss.JobWithMetadata<T>,
    handler: (job: Job<T>) => Promise<void>,
  ): Promise<void> {
    const lastTry = job.retryCount >= job.retryLimit;
    const leaseEnds = Date.now() + job.expireInSeconds * 1000;
    try {
      await within(leaseEnds - Date.now(), () => handler({ id: job.id, data: job.data, lastTry }));
    } catch (error) {
      const hopeless = error instanceof CodedError && !error.retryable;
      this.hooks.onFailure(name, job.id, error, hopeless || lastTry);
      // A hopeless job counts as done: its handler recorded the failure where people look for it.
      if (!hopeless) return this.report(leaseEnds, () => this.boss.fail(name, job.id));
    }
    return this.report(leaseEnds, () => this.boss.complete(name, job.id));
  }

  /** Reports until it is heard or the lease is over, when the job is given to somebody else anyway. */
  private async report(leaseEnds: number, send: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await send();
        return;
      } catch (error) {
        this.boss.emit('error', error);
        if (Date.now() >= leaseEnds || this.stopping.signal.aborted) return;
        await delay(REPORT_POLL_MS);
      }
    }
  }

  /** Waiting and running jobs by queue, for metrics. */
  async depths(): Promise<Readonly<Record<QueueName, number>>> {
    await this.start();
    const names = Object.keys(POLICIES) as QueueName[];
    const sizes = await Promise.all(
      names.map((name) => this.boss.getQueueSize(name, { before: 'completed' })),
    );
    return Object.fromEntries(names.map((name, index) => [name, sizes[index]])) as Record<QueueName, number>;
  }

  /** Takes no new jobs and waits for those in hand. */
  async stop(timeoutMs = 30_000): Promise<void> {
    this.stopping.abort();
    await Promise.race([Promise.all(this.lanes), delay(timeoutMs, undefined, { ref: false })]);
    if (this.started) await this.boss.stop({ graceful: false, close: false });
  }
}

/** Settles as `work` does, or rejects when its time is over: a handler that hangs must not hold its lane for ever. */
async function within(timeoutMs: number, work: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = async () => {
    await delay(timeoutMs, undefined, { signal: over.signal });
    throw new Error(`the job was not done within its lease of ${timeoutMs} ms`);
  };
  try {
    await Promise.race([work(), late()]);
  } finally {
    over.abort();
  }
}
