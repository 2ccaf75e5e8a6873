import { systemClock } from '@app/ledger';
import { runProcess } from '@app/process';
import { collectRarely } from './collect-rarely.js';
import { startWorker } from './start-worker.js';

collectRarely();
await runProcess({
  name: 'worker',
  start: (config, logger) => startWorker(config, { logger, clock: systemClock }),
});
