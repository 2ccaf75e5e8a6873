import { systemClock } from '@app/ledger';
import { runProcess } from '@app/process';
import { startWorker } from './start-worker.js';

await runProcess({
  name: 'worker',
  start: (config, logger) => startWorker(config, { logger, clock: systemClock }),
});
