/**
 * Work for workers: pg-boss over the same PostgreSQL, so that a job is enqueued in the very transaction that creates
 * the need for it. Jobs carry identifiers only. Delivery is at least once; every handler is idempotent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '@app/errors';
import { type Database, isConnectionLoss, type Queryable, type Sql } from '@app/persistence';
import { CompiledQuery } from 'kysely';
import PgBoss from 'pg-boss';
import bossVersion from 'pg-boss/version.json' with { type: 'json' };
import { QueueError } from './errors.js';
import { connectionExecutor, executorOf } from './executors.js';
import { Lease } from './lease.js';

export type QueueName =
  | 'verification.plan'
  | 'verification.prepare'
  | 'verification.signals'
  | 'verification.block'
  | 'verification.drift'
  | 'verification.conclude'
  | 'verification.attest';

interface QueuePolicy {
  /** After this a job that its worker neither finished nor kept is given to another one: the lease. */
  readonly expireInSeconds: number;
  readonly retryLimit: number;
  readonly retryDelay: number;
  /**
   * Jobs whose lease is kept while they work: a handler that does not say for so long that it got on is given up. Others
   * must be done within one lease.
   */
  readonly patienceSeconds?: number;
}

/** Where jobs end that no further try can help: what they were and the code of what went wrong. Nobody takes them. */
const DEAD_LETTERS = 'verification.dead';

/** Too short a lease runs slow blocks twice (harmless, wasteful); too long leaves a killed worker's block waiting. */
const POLICIES: Record<QueueName, QueuePolicy> = {
  'verification.plan': { expireInSeconds: 30, retryLimit: 20, retryDelay: 1 },
  'verification.prepare': { expireInSeconds: 30, retryLimit: 20, retryDelay: 1 },
  'verification.signals': { expireInSeconds: 30, retryLimit: 20, retryDelay: 1, patienceSeconds: 900 },
  'verification.block': { expireInSeconds: 30, retryLimit: 20, retryDelay: 1, patienceSeconds: 900 },
  // Six tries over half a minute: a restart of the server passes, an outage is told the same night.
  'verification.drift': { expireInSeconds: 30, retryLimit: 5, retryDelay: 1, patienceSeconds: 900 },
  'verification.conclude': { expireInSeconds: 60, retryLimit: 20, retryDelay: 1 },
  'verification.attest': { expireInSeconds: 60, retryLimit: 20, retryDelay: 1 },
};

const SCHEMA = 'pgboss';
/** The longest a job waits for an idle worker; shorter asks the database more often for nothing. */
const POLL_MS = 500;
/** Between two attempts to report the end of a job to a database that is not there. */
const REPORT_POLL_MS = 250;
/** A killed server is back within seconds; longer means that it is not coming. */
const START_PATIENCE_MS = 30_000;
/** How often ended leases are looked for; longer leaves a killed worker's block waiting. */
const LEASE_CHECK_SECONDS = 2;

export interface SendOptions {
  /** Of the job, where whoever asks knows it already: sent again it is the same job. */
  readonly id?: string;
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
  /** Says that the work got on; jobs that take longer than a lease are given up without it. */
  readonly progress: () => void;
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
    await boss.createQueue(DEAD_LETTERS, { name: DEAD_LETTERS, policy: 'standard' });
    for (const [name, { expireInSeconds, retryLimit, retryDelay }] of Object.entries(POLICIES)) {
      const policy = { expireInSeconds, retryLimit, retryDelay };
      const options = {
        name,
        policy: 'standard',
        retryBackoff: true,
        deadLetter: DEAD_LETTERS,
        ...policy,
      } as const;
      await boss.createQueue(name, options);
      await boss.updateQueue(name, options);
    }
  } finally {
    await connection.unsafe('reset role');
  }
}

/**
 * Returns when {@link installQueue} of this version has made all queues. The migrations are committed before, so a process
 * that finds the database migrated may still be too early.
 * @throws QueueError `QUEUE_SCHEMA_OLDER` (run `lacuna migrate`), `QUEUE_SCHEMA_NEWER`
 */
export async function checkQueue(connection: Pick<Sql, 'unsafe'>): Promise<void> {
  await checkInstalled(connectionExecutor(connection));
}

async function checkInstalled(executeSql: PgBoss.Db['executeSql']): Promise<void> {
  const boss = openBoss(executeSql, { migrate: false });
  const version = (await boss.isInstalled()) ? Number(await boss.schemaVersion()) : 0;
  if (version > bossVersion.schema) {
    throw new QueueError(
      'QUEUE_SCHEMA_NEWER',
      `the job queue has version ${version} and this is made for ${bossVersion.schema}; start the newer Lacuna that made it`,
    );
  }
  if (version === bossVersion.schema) {
    const { rows } = await executeSql(`select name from ${SCHEMA}.queue`, []);
    const made = new Set((rows as readonly { name: string }[]).map(({ name }) => name));
    if ([...Object.keys(POLICIES), DEAD_LETTERS].every((name) => made.has(name))) return;
  }
  throw new QueueError(
    'QUEUE_SCHEMA_OLDER',
    'the database lacks the job queue, or it is an older one; run `lacuna migrate` or start the daemon',
    { retryable: true },
  );
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

export class Queue {
  private readonly boss: PgBoss;
  private readonly execute: PgBoss.Db['executeSql'];
  private started: Promise<unknown> | null = null;
  private running = false;
  private readonly stopping = new AbortController();
  private readonly sleepers = new Set<AbortController>();
  private readonly lanes: Promise<void>[] = [];

  constructor(
    private readonly db: Database,
    private readonly hooks: QueueHooks = { onFailure: () => undefined },
  ) {
    const execute = executorOf(db);
    this.execute = (text, values) => this.untilStarted(() => execute(text, values));
    this.boss = openBoss(this.execute, { migrate: false });
    // Without a listener an EventEmitter's 'error' ends the process; a lost connection is found again by polling.
    this.boss.on('error', () => undefined);
  }

  /**
   * Opens the queues that {@link installQueue} made; safe to call from every process and more than once.
   * @throws QueueError as {@link checkQueue}
   */
  async start(): Promise<void> {
    await (this.started ??= this.open());
  }

  private async open(): Promise<void> {
    await checkInstalled(this.execute).catch((error: unknown) => {
      // The next call looks again; pg-boss itself cannot be started twice.
      this.started = null;
      throw error;
    });
    await this.boss.start();
    this.running = true;
  }

  /**
   * While pg-boss starts, a database that is away is waited for: it cannot be started a second time, and a process that
   * begins in that very moment would end. What it asks then may be asked again.
   */
  private async untilStarted<T>(ask: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + START_PATIENCE_MS;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (this.running || !isConnectionLoss(error) || Date.now() > deadline) throw error;
        await delay(REPORT_POLL_MS);
      }
    }
  }

  /**
   * Enqueues in the caller's transaction: the job exists exactly if the transaction commits.
   * @returns the job id, or null when a job with the same singleton key waits already or one with the same id is known
   */
  async send(
    tx: Queryable,
    name: QueueName,
    data: object,
    options: SendOptions = {},
  ): Promise<string | null> {
    await this.start();
    return this.boss.send(name, data, {
      ...(options.id ? { id: options.id } : {}),
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
      if (job) {
        await this.run(name, job, handler);
        this.wakeLanes();
      } else {
        await this.idle();
      }
    }
  }

  /** Until it is time to look again, or a job of this process has ended: it may have led to others. */
  private async idle(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const sleeper = new AbortController();
    this.sleepers.add(sleeper);
    await delay(POLL_MS, undefined, { signal: sleeper.signal }).catch(() => undefined);
    this.sleepers.delete(sleeper);
  }

  private wakeLanes(): void {
    for (const sleeper of this.sleepers) sleeper.abort();
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
    const lease = new Lease(job.expireInSeconds * 1000, POLICIES[name].patienceSeconds);
    const keeping = this.keep(name, job.id, lease);
    try {
      const progress = () => lease.progress();
      await lease.during(() => handler({ id: job.id, data: job.data, lastTry, progress }));
    } catch (error) {
      const hopeless = error instanceof CodedError && !error.retryable;
      this.hooks.onFailure(name, job.id, error, hopeless || lastTry);
      // A hopeless job counts as done: its handler recorded the failure where people look for it.
      if (!hopeless) return await this.report(lease, () => this.boss.fail(name, job.id, codeOf(error)));
      await this.report(lease, () => this.buryHopeless(name, job.data, codeOf(error)));
    } finally {
      lease.end();
      await keeping;
    }
    return this.report(lease, () => this.boss.complete(name, job.id));
  }

  private async buryHopeless(name: QueueName, data: object, code: { code: string }): Promise<void> {
    await this.boss.send(DEAD_LETTERS, { ...data, queue: name, ...code });
  }

  /** Moves the start of the job, and with it the end of its lease, while its handler gets on. */
  private async keep(name: QueueName, jobId: string, lease: Lease): Promise<void> {
    if (POLICIES[name].patienceSeconds === undefined) return;
    while (await lease.nextKeep()) {
      try {
        const { rows } = await this.db.executeQuery<{ id: string }>(
          CompiledQuery.raw(
            `update ${SCHEMA}.job set started_on = now() where name = $1 and id = $2 and state = 'active' returning id`,
            [name, jobId],
          ),
        );
        if (rows.length > 0) lease.extend();
      } catch (error) {
        this.boss.emit('error', error);
      }
    }
  }

  /** Reports until it is heard or the lease is over, when the job is given to somebody else anyway. */
  private async report(lease: Lease, send: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await send();
        return;
      } catch (error) {
        this.boss.emit('error', error);
        if (lease.isOver || this.stopping.signal.aborted) return;
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

  /** What the jobs that wait or run are about: the values of `field` in their data. */
  async awaited(field: string): Promise<ReadonlySet<string>> {
    const { rows } = await this.db.executeQuery<{ value: string }>(
      CompiledQuery.raw(
        `select distinct data->>$1 as value from ${SCHEMA}.job
          where name = any ($2) and state in ('created', 'retry', 'active') and data->>$1 is not null`,
        [field, Object.keys(POLICIES)],
      ),
    );
    return new Set(rows.map(({ value }) => value));
  }

  /** Jobs that no further try could help, for metrics and people. */
  async deadLetters(): Promise<number> {
    await this.start();
    return this.boss.getQueueSize(DEAD_LETTERS);
  }

  /** Takes no new jobs and waits for those in hand. */
  async stop(timeoutMs = 30_000): Promise<void> {
    this.stopping.abort();
    this.wakeLanes();
    await Promise.race([Promise.all(this.lanes), delay(timeoutMs, undefined, { ref: false })]);
    if (this.started) await this.boss.stop({ graceful: false, close: false });
  }
}

/** For people who look into the queue; messages stay in the log. */
function codeOf(error: unknown): { code: string } {
  return { code: error instanceof CodedError ? String(error.code) : 'INTERNAL' };
}
