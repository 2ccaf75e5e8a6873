import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type Config, ConfigModule } from '@app/config';
import { openRuntime, runtimeOptionsOf } from '@app/inference';
import { type Clock, LedgerModule } from '@app/ledger';
import { type Logger, LOGGER } from '@app/logging';
import type { DatabaseAddress } from '@app/persistence';
import { DatabaseModule } from '@app/process';
import { QueueModule } from '@app/queue';
import { vaultKeyFile, VaultModule } from '@app/vault';
import { VerificationModule } from '@app/verification';
import { type DynamicModule, Module } from '@nestjs/common';
import { VerificationTasks } from './tasks/verification-tasks.js';

export interface WorkerOptions {
  readonly config: Config;
  readonly address: DatabaseAddress;
  /** The data directory. */
  readonly directory: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Composition only: everything below main.ts gets what it needs from here. */
@Module({})
export class WorkerModule {
  static forRoot({ config, address, directory, logger, clock }: WorkerOptions): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(address, { name: 'lacuna-worker', poolSize: config.LACUNA_DATABASE_POOL }),
        QueueModule.forRoot({
          onFailure: (queue, jobId, error, final) =>
            logger[final ? 'error' : 'warn']({ queue, jobId, err: error }, 'a job failed'),
        }),
        LedgerModule.forReaders({ ledgerName: config.LACUNA_LEDGER_NAME, clock }),
        VaultModule.forRoot(vaultKeyFile(config, directory)),
        VerificationModule.forWorker({
          workerName: `${hostname()}:${process.pid}`,
          openRuntime: (source) => openRuntime(source, runtimeOptionsOf(config)),
          models: config.LACUNA_WORKER_MODELS,
          drift: {
            sample: config.LACUNA_DRIFT_SAMPLE,
            tolerance: config.LACUNA_DRIFT_TOLERANCE,
            newSeed: () => randomBytes(32),
          },
        }),
      ],
      providers: [VerificationTasks, { provide: LOGGER, useValue: logger }],
    };
  }
}
