import { CodedError } from '@app/errors';
import { loadConfig } from '@app/config';
import { systemClock } from '@app/ledger';
import { createLogger, type Logger } from '@app/logging';
import { isConnectionLoss } from '@app/persistence';
import { startWorker, type Worker } from './start-worker.js';

/** Bad settings and refused starts are one line for the operator; anything else is a bug and shows its stack. */
function refuseStart(error: unknown, logger?: Logger): never {
  if (error instanceof CodedError) process.stderr.write(`lacuna worker: ${error.code}: ${error.message}\n`);
  else if (logger) logger.fatal({ err: error }, 'the worker could not start');
  else process.stderr.write(`lacuna worker: ${String(error)}\n`);
  process.exit(1);
}

function stopOnSignals(worker: Worker, logger: Logger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    // A second signal means: now. An unfinished block is taken over by another worker.
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'stopping');
    worker.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.fatal({ err: error }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
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

async function main(): Promise<void> {
  let logger: Logger | undefined;
  try {
    const config = loadConfig(process.env);
    logger = createLogger({ name: 'worker', level: config.LACUNA_LOG_LEVEL });
    endOnUnhandled(logger);
    stopOnSignals(await startWorker(config, { logger, clock: systemClock }), logger);
  } catch (error) {
    refuseStart(error, logger);
  }
}

await main();
