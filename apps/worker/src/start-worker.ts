/**
 * The order in which a worker comes up and goes down. Up: the database that a daemon keeps, its schema, the application,
 * jobs. Down: the jobs in hand, then the rest. Proven by test/medium/worker.spec.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '@app/config';
import type { Clock } from '@app/ledger';
import { type Logger, PinoLoggerService } from '@app/logging';
import {
  attachDatabase,
  checkSchema,
  connect,
  databaseUnreachable,
  dataDirectory,
  type DatabaseAddress,
  isConnectionLoss,
  type OpenDatabase,
  PersistenceError,
  type Sql,
} from '@app/persistence';
import { checkQueue, QueueError } from '@app/queue';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WorkerModule } from './worker.module.js';

/** Daemon and worker are started together: the first start of an embedded server and its migrations take seconds. */
const DATABASE_PATIENCE_MS = 60_000;
const SCHEMA_POLL_MS = 200;

export interface WorkerParts {
  readonly logger: Logger;
  readonly clock: Clock;
  /** A database that somebody else opened (tests); otherwise the configured or embedded one. */
  readonly database?: OpenDatabase;
}

export interface Worker {
  readonly app: INestApplicationContext;
  /** Finishes the jobs in hand and closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** @throws the coded errors of configuration and persistence */
export async function startWorker(config: Config, { logger, clock, database }: WorkerParts): Promise<Worker> {
  const log = (message: string, facts: Readonly<Record<string, unknown>> = {}) => logger.info(facts, message);
  const opened = database ?? (await attachDatabase(config, log, DATABASE_PATIENCE_MS));
  await awaitSchema(opened.address, log);
  const app = await NestFactory.createApplicationContext(
    WorkerModule.forRoot({
      config,
      address: opened.address,
      directory: dataDirectory(config).path,
      logger,
      clock,
    }),
    { logger: new PinoLoggerService(logger), abortOnError: false },
  );
  logger.info({ concurrency: config.LACUNA_WORKER_CONCURRENCY }, 'taking jobs');
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await app.close();
    await opened.close();
    logger.info('stopped');
  };
  return { app, stop: () => (stopped ??= stop()) };
}

/** Waits for the daemon that migrates the database; a newer schema or a changed migration is refused at once. */
async function awaitSchema(address: DatabaseAddress, log: (message: string) => void): Promise<void> {
  const deadline = Date.now() + DATABASE_PATIENCE_MS;
  const sql = connect(address, { as: 'login', name: 'lacuna-worker-start', poolSize: 1 });
  try {
    for (let waited = false; !(await isMigrated(sql, deadline)); waited = true) {
      if (!waited) log('waiting for the database and for the daemon to migrate it');
      await delay(SCHEMA_POLL_MS);
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** False while the schema or the queue is older, or the database is coming back, and there is time left. */
async function isMigrated(sql: Sql, deadline: number): Promise<boolean> {
  try {
    await checkSchema(sql);
    await checkQueue(sql);
    return true;
  } catch (error) {
    const lost = isConnectionLoss(error);
    const older =
      (error instanceof PersistenceError && error.code === 'PERSISTENCE_SCHEMA_OLDER') ||
      (error instanceof QueueError && error.code === 'QUEUE_SCHEMA_OLDER');
    if ((older || lost) && Date.now() <= deadline) return false;
    throw lost ? databaseUnreachable(error) : error;
  }
}
