/**
 * The life of one of our processes, daemon or worker: read the configuration, start, run until told to stop, stop in
 * order, and end with a code that a supervisor understands. Proven by test/e2e/daemon-process.spec.ts and test/fault.
 */
import { type Config, loadConfig } from '@app/config';
import { CodedError } from '@app/errors';
import { createLogger, type Logger } from '@app/logging';
import { isConnectionLoss } from '@app/persistence';

export interface Stoppable {
  /** Finishes what is in hand and closes everything. */
  stop(): Promise<void>;
}

export interface ProcessDescription<T extends Stoppable> {
  /** In log lines and refusals: `daemon`, `worker`. */
  readonly name: string;
  readonly start: (config: Config, logger: Logger) => Promise<T>;
  /** What to tell the person at the terminal once it runs. */
  readonly announce?: (running: T) => string;
}

/** Runs until SIGTERM, SIGINT, or the end of the Node process that started this one with an IPC channel. */
export async function runProcess<T extends Stoppable>(description: ProcessDescription<T>): Promise<void> {
  const { name, start, announce } = description;
  let logger: Logger | undefined;
  try {
    const config = loadConfig(process.env);
    logger = createLogger({ name, level: config.LACUNA_LOG_LEVEL });
    endOnUnhandled(logger);
    const asked = stopAsked(logger);
    const running = await start(config, logger);
    if (announce) process.stdout.write(announce(running));
    await asked;
    await running.stop();
    process.exit(0);
  } catch (error) {
    refuse(name, error, logger);
  }
}

/** Bad settings and refused starts are one line for the operator; anything else is a bug and shows its stack. */
function refuse(name: string, error: unknown, logger: Logger | undefined): never {
  if (error instanceof CodedError) process.stderr.write(`lacuna ${name}: ${error.code}: ${error.message}\n`);
  else if (logger) logger.fatal({ err: error }, `the ${name} could not start or stop`);
  else process.stderr.write(`lacuna ${name}: ${String(error)}\n`);
  process.exit(1);
}

/** Resolves at the first request to stop, also one that comes while it still starts; a second one ends it at once. */
function stopAsked(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (reason: string) => {
      if (stopping) process.exit(1);
      stopping = true;
      logger.info({ reason }, 'stopping');
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    // Whoever started us with a channel and is gone (killed) cannot send a signal any more. `connected` is undefined
    // without a channel, and false when the parent went before this line was reached.
    if (process.connected === false) stop('the parent process ended');
    else if (process.connected) process.once('disconnect', () => stop('the parent process ended'));
  });
}

/**
 * An error nobody handled leaves unknown state behind: the process ends, and its supervisor starts a clean one. Only the
 * loss of a database connection is known: postgres.js asks for the types of a new connection by itself, and nobody
 * holds that promise when the server dies in that moment.
 */
function endOnUnhandled(logger: Logger): void {
  const end = (event: string, error: unknown) => {
    logger.fatal({ err: error }, event);
    process.exit(1);
  };
  process.on('uncaughtException', (error) => end('uncaughtException', error));
  process.on('unhandledRejection', (error) => {
    if (isConnectionLoss(error)) logger.warn({ err: error }, 'a database connection was lost');
    else end('unhandledRejection', error);
  });
}
