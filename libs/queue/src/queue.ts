/**
 * Work for workers: pg-boss over the same PostgreSQL, so that a job is enqueued in the very transaction that creates
 * the need for it. Jobs carry identifiers only. Delivery is at least once; every handler is idempotent.
 */
import { CodedError } from '@app/errors';
import type { Queryable, Sql } from '@app/persistence';
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
/** pg-boss allows no shorter one; it is the longest a job waits for an idle worker. */
const POLL_SECONDS = 0.5;
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

/** Creates or updates pg-boss's own tables as the application role; runs under the migration lock. */
export async function installQueue(connection: Pick<Sql, 'unsafe'>): Promise<void> {
  await connection.unsafe('set role lacuna_app');
  try {
    const boss = openBoss(connection, { migrate: true });
    const installed = await boss.isInstalled();
    if (installed) {
      await boss.start();
      await boss.stop({ graceful: false, close: false });
    } else {
      // The schema exists already, made by a migration; the application role may not create schemas.
      await connection.unsafe(
        PgBoss.getConstructionPlans(SCHEMA).replace(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`, ''),
      );
    }
  } finally {
    await connection.unsafe('reset role');
  }
}

function openBoss(sql: Pick<Sql, 'unsafe'>, options: PgBoss.ConstructorOptions): PgBoss {
  return new PgBoss({
    ...options,
    schema: SCHEMA,
    schedule: false,
    maintenanceIntervalSeconds: LEASE_CHECK_SECONDS,
    db: { executeSql: executorOf(sql) },
  });
}

/** node-postgres, which pg-boss is written for, sends undefined as null; postgres.js refuses it. */
const nullsForUndefined = (values: readonly unknown[] | undefined): never[] =>
  (values ?? []).map((value) => value ?? null) as never[];

function executorOf(sql: Pick<Sql, 'unsafe'>): PgBoss.Db['executeSql'] {
  return async (text, values) => ({ rows: [...(await sql.unsafe(text, nullsForUndefined(values)))] });
}

export class Queue {
  private readonly boss: PgBoss;
  private started: Promise<void> | null = null;

  constructor(
    sql: Sql,
    private readonly hooks: QueueHooks = { onFailure: () => undefined },
  ) {
    this.boss = openBoss(sql, { migrate: false });
    // Without a listener an EventEmitter's 'error' ends the process; a lost connection is found again by polling.
    this.boss.on('error', () => undefined);
  }

  /** Opens the queues; safe to call from every process and more than once. */
  start(): Promise<void> {
    this.started ??= this.open();
    return this.started;
  }

  private async open(): Promise<void> {
    await this.boss.start();
    for (const [name, policy] of Object.entries(POLICIES)) {
      await this.boss.createQueue(name, { name, policy: 'standard', retryBackoff: true, ...policy });
    }
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
      db: {
        executeSql: async (text, values) => {
          const result = await tx.executeQuery(CompiledQuery.raw(text, nullsForUndefined(values)));
          return { rows: result.rows as never[] };
        },
      },
    });
  }

  /** Takes jobs of `name`, `concurrency` at a time, until {@link stop}. */
  async work<T extends object>(
    name: QueueName,
    options: { readonly concurrency: number },
    handler: (job: Job<T>) => Promise<void>,
  ): Promise<void> {
    await this.start();
    for (let lane = 0; lane < options.concurrency; lane += 1) {
      await this.boss.work<T>(
        name,
        { pollingIntervalSeconds: POLL_SECONDS, batchSize: 1, includeMetadata: true },
        (jobs) => this.run(name, jobs[0], handler),
      );
    }
  }

  private async run<T extends object>(
    name: QueueName,
    job: PgBoss.JobWithMetadata<T> | undefined,
    handler: (job: Job<T>) => Promise<void>,
  ): Promise<void> {
    if (!job) return;
    const lastTry = job.retryCount >= job.retryLimit;
    try {
      await handler({ id: job.id, data: job.data, lastTry });
    } catch (error) {
      const hopeless = error instanceof CodedError && !error.retryable;
      this.hooks.onFailure(name, job.id, error, hopeless || lastTry);
      // A hopeless job counts as done: its handler recorded the failure where people look for it.
      if (!hopeless) throw new Error('job failed', { cause: error });
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
    if (this.started) await this.boss.stop({ graceful: true, wait: true, close: false, timeout: timeoutMs });
  }
}
