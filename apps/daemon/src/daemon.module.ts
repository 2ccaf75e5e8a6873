import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { join } from 'node:path';
import { type Config, ConfigModule } from '@app/config';
import { type Clock, LedgerModule } from '@app/ledger';
import type { Logger } from '@app/logging';
import type { DatabaseAddress } from '@app/persistence';
import { DatabaseModule } from '@app/process';
import { QueueModule } from '@app/queue';
import { createEd25519Signer } from '@app/tlog';
import { vaultKeyFile, VaultModule } from '@app/vault';
import { VerificationModule } from '@app/verification';
import { productVersion } from './operations/product-version.js';
import { RolesGuard } from './auth/roles.guard.js';
import type { DaemonKeys } from './keys/daemon-keys.js';
import { KEYS, KeysController } from './keys/keys.controller.js';
import { GraphiqlController, SERVES_GRAPHIQL } from './graphql/graphiql.controller.js';
import { GraphqlEdgeModule } from './graphql/graphql.module.js';
import type { Metrics } from './operations/metrics.js';
import { OperationsModule } from './operations/operations.module.js';
import { AttestationsController } from './requests/attestations.controller.js';
import { DeletionRequestsController } from './requests/deletion-requests.controller.js';
import { LogsController } from './c2sp/logs.controller.js';
import { openWitnessing } from './c2sp/witnessing.js';
import { ReverifySchedule } from './schedules/reverify.schedule.js';
import { DeletionRequestImportController } from './requests/deletion-request-import.controller.js';
import { ArtifactsController } from './requests/artifacts.controller.js';
import { AUDIT_TARGET, AuditSchedule } from './schedules/audit.schedule.js';
import { RecordingsController } from './requests/recordings.controller.js';
import { SamplesController } from './requests/samples.controller.js';
import { RegistryModule } from '@app/registry';
import { InferenceModule } from '@app/inference';

export interface DaemonOptions {
  readonly config: Config;
  readonly address: DatabaseAddress;
  /** The data directory. */
  readonly directory: string;
  readonly keys: DaemonKeys;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly servesGraphiql: boolean;
}

/** Composition only: everything below main.ts gets what it needs from here. */
@Module({})
export class DaemonModule {
  static forRoot(options: DaemonOptions): DynamicModule {
    const { config, address, directory, keys, metrics, logger, servesGraphiql } = options;
    const verification = verificationModule(options);
    return {
      module: DaemonModule,
      imports: [
        DiscoveryModule,
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(address, { name: 'lacuna-daemon', poolSize: config.LACUNA_DATABASE_POOL }),
        queueModule(options),
        ledgerModule(options),
        OperationsModule.forRoot(logger, metrics),
        VaultModule.forRoot(vaultKeyFile(config, options.directory)),
        InferenceModule,
        RegistryModule,
        verification,
        GraphqlEdgeModule.forRoot(verification),
        ScheduleModule.forRoot(),
      ],
      controllers: [
        KeysController,
        GraphiqlController,
        RecordingsController,
        SamplesController,
        ArtifactsController,
        AttestationsController,
        DeletionRequestImportController,
        DeletionRequestsController,
        LogsController,
      ],
      providers: [
        ReverifySchedule,
        AuditSchedule,
        { provide: AUDIT_TARGET, useValue: { address, directory, keySet: keys.keySet } },
        { provide: SERVES_GRAPHIQL, useValue: servesGraphiql },
        { provide: KEYS, useValue: keys },
        { provide: APP_GUARD, useClass: RolesGuard },
      ],
    };
  }
}

function queueModule({ logger }: DaemonOptions): DynamicModule {
  return QueueModule.forRoot({
    onFailure: (queue, jobId, error, final) =>
      logger[final ? 'error' : 'warn']({ queue, jobId, err: error }, 'a job failed'),
  });
}

function ledgerModule({ config, directory, keys, logger, clock, metrics }: DaemonOptions): DynamicModule {
  return LedgerModule.forSigners({
    ledgerName: config.LACUNA_LEDGER_NAME,
    clock,
    signerFor: (origin) => createEd25519Signer(origin, keys.log),
    signerStateFile: join(directory, 'keys', 'signed-checkpoints.json'),
    checkpointIntervalMs: config.LACUNA_CHECKPOINT_INTERVAL_MS,
    onIntegrationError: (origin, error) => logger.error({ origin, err: error }, 'a log was not integrated'),
    witnessing: openWitnessing(config),
    onPublicationError: (origin, witness, error) => {
      metrics.countWitnessFailure(witness, error);
      logger.warn({ origin, witness, err: error }, 'a checkpoint was not cosigned');
    },
  });
}

function verificationModule({ config, keys }: DaemonOptions): DynamicModule {
  return VerificationModule.forDaemon({
    signer: {
      key: keys.attestation,
      keySet: keys.keySet,
      verifier: {
        id: config.LACUNA_PUBLIC_URL ?? `urn:lacuna:${config.LACUNA_LEDGER_NAME}`,
        version: productVersion(),
      },
      validSeconds: config.LACUNA_ATTESTATION_VALID_SECONDS,
    },
  });
}
