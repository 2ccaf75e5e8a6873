/**
 * The one logger of a process: JSON lines on standard error, so that standard output stays for what a command prints.
 * Secrets never reach a line, wherever in an object they stand. Proven by create-logger.spec.ts.
 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

/** Members that hold credentials or sample content, at the depths at which this code logs objects. */
const SECRET_MEMBERS = ['authorization', 'cookie', 'token', 'password', 'privateKey', 'samples', 'variables'];
const REDACTED_PATHS = SECRET_MEMBERS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

export interface LoggerOptions {
  /** Which process: daemon, worker, cli. */
  readonly name: string;
  readonly level: string;
}

/** @param stream where lines go; standard error unless a test asks otherwise */
export function createLogger(
  options: LoggerOptions,
  stream: DestinationStream = destination({ fd: 2, sync: true }),
): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      base: { name: options.name, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      serializers: { err: describeError },
    },
    stream,
  );
}

interface ErrorFacts {
  readonly type: string;
  readonly code?: unknown;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly cause?: ErrorFacts;
}

/** Causes deeper than this repeat what is known. */
const MAX_CAUSES = 4;

/**
 * Only the members named here: a driver's error object may hold the statement's parameters, and those are samples.
 */
function describeError(error: unknown, causesLeft = MAX_CAUSES): ErrorFacts {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined || causesLeft === 0
      ? {}
      : { cause: describeError(error.cause, causesLeft - 1) }),
  };
}
