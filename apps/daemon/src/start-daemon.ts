/**
 * The order in which a daemon comes up and goes down. Up: data directory, token rules and keys (which fail fast and
 * touch nothing), database, migrations, application, address file. Down: the reverse, the embedded server last.
 */
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type AccessPolicy, openAccessPolicy } from '@app/access';
import type { Config } from '@app/config';
import { checkGuards, type Clock } from '@app/ledger';
import { type Logger, PinoLoggerService } from '@app/logging';
import {
  connect,
  type DatabaseAddress,
  dataDirectory,
  migrate,
  type OpenDatabase,
  ownDatabase,
} from '@app/persistence';
import { installQueue, Queue } from '@app/queue';
import { DaemonModule } from './daemon.module.js';
import { DaemonError } from './errors.js';
import { CodedErrorFilter } from './http/coded-error.filter.js';
import { addHttpHooks } from './http/http-hooks.js';
import { fastifyOptions } from './http/fastify-options.js';
import { readUploadsAsStreams } from './http/upload-parser.js';
import { openDaemonKeys } from './keys/daemon-keys.js';
import { removeAddressFile, writeAddressFile } from './operations/address-file.js';
import { Metrics } from './operations/metrics.js';
import { Readiness } from './operations/readiness.js';
import { parseCron } from './schedules/due-times.js';
import { SCHEDULE_OFF } from './schedules/reverify.schedule.js';

export interface DaemonParts {
  readonly logger: Logger;
  readonly clock: Clock;
  /** A database that somebody else runs (tests); otherwise the configured or embedded one. */
  readonly database?: OpenDatabase;
}

export interface Daemon {
  readonly url: string;
  readonly usesLocalIssuer: boolean;
  readonly servesGraphiql: boolean;
  readonly app: NestFastifyApplication;
  /** Refuses new work, finishes what is in hand, closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** @throws the coded errors of configuration, access, keys, persistence and ledger */
export async function startDaemon(config: Config, parts: DaemonParts): Promise<Daemon> {
  const { logger, clock } = parts;
  const log = (message: string, facts: Readonly<Record<string, unknown>> = {}) => logger.info(facts, message);
  for (const setting of ['LACUNA_REVERIFY_CRON', 'LACUNA_AUDIT_CRON'] as const)
    if (config[setting] !== SCHEDULE_OFF) parseCron(config[setting], setting);
  const directory = dataDirectory(config, log).path;
  const policy = await openAccessPolicy({
    host: config.LACUNA_HOST,
    jwks: config.LACUNA_JWT_JWKS,
    issuer: config.LACUNA_JWT_ISSUER,
    audience: config.LACUNA_JWT_AUDIENCE,
    directory,
  });
  const keys = openDaemonKeys(config, directory, clock());
  const database = parts.database ?? (await ownDatabase(config, log));
  try {
    await migrateDatabase(database.address, log);
    const metrics = new Metrics();
    const module = DaemonModule.forRoot({
      config,
      address: database.address,
      directory,
      keys,
      logger,
      clock,
      metrics,
      servesGraphiql: servesGraphiql(config, policy),
    });
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(fastifyOptions), {
      logger: new PinoLoggerService(logger),
      abortOnError: false,
    });
    return await serve({ app, config, parts, policy, metrics, directory, database });
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function migrateDatabase(
  address: DatabaseAddress,
  log: (message: string, facts: Readonly<Record<string, unknown>>) => void,
): Promise<void> {
  const sql = connect(address, { as: 'login', name: 'lacuna-migrate', poolSize: 1 });
  try {
    const applied = await migrate(sql, undefined, installQueue);
    if (applied.length > 0) log('applied migrations', { applied });
    await checkGuards(sql);
  } finally {
    await sql.end();
  }
}

interface Built {
  readonly app: NestFastifyApplication;
  readonly config: Config;
  readonly parts: DaemonParts;
  readonly policy: AccessPolicy;
  readonly metrics: Metrics;
  readonly directory: string;
  readonly database: OpenDatabase;
}

async function serve(built: Built): Promise<Daemon> {
  const { app, config, parts, policy, metrics, directory } = built;
  const instance = app.getHttpAdapter().getInstance();
  const isStopping = () => app.get(Readiness, { strict: false }).stopping;
  addHttpHooks(instance, { policy, logger: parts.logger, metrics, clock: parts.clock, isStopping });
  readUploadsAsStreams(instance);
  app.useGlobalFilters(new CodedErrorFilter(parts.logger));
  try {
    await app.listen(config.LACUNA_PORT, config.LACUNA_HOST);
  } catch (error) {
    await app.close().catch(() => undefined);
    throw asStartError(error, config);
  }
  const url = addressOf(app, config);
  writeAddressFile(directory, { pid: process.pid, url });
  let stopped: Promise<void> | undefined;
  return {
    url,
    app,
    usesLocalIssuer: policy.usesLocalIssuer,
    servesGraphiql: servesGraphiql(config, policy),
    stop: () => (stopped ??= stop(built)),
  };
}

/** The page is for development: on by default only where nobody else can reach it. */
function servesGraphiql(config: Config, policy: Pick<AccessPolicy, 'usesLocalIssuer'>): boolean {
  return config.LACUNA_GRAPHIQL ?? policy.usesLocalIssuer;
}

async function stop({ app, parts, directory, database }: Built): Promise<void> {
  app.get(Readiness, { strict: false }).stopping = true;
  removeAddressFile(directory, process.pid);
  // Jobs first: their handlers append to the ledger, which closes with the application.
  await app.get(Queue, { strict: false }).stop();
  await app.close();
  await database.close();
  parts.logger.info('stopped');
}

function addressOf(app: NestFastifyApplication, config: Config): string {
  const { address, port, family } = app.getHttpServer().address() as {
    address: string;
    port: number;
    family: string;
  };
  // Listening on all addresses, it is reachable on this machine by loopback.
  const everywhere = config.LACUNA_HOST === '0.0.0.0' || config.LACUNA_HOST === '::';
  const host = everywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${host}:${port}`;
}

function asStartError(error: unknown, config: Config): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return error;
  return new DaemonError(
    'DAEMON_ADDRESS_IN_USE',
    `port ${config.LACUNA_PORT} of ${config.LACUNA_HOST} is in use; stop the other process or set LACUNA_PORT`,
    { cause: error },
  );
}
