import {
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DATABASE, type Database } from '@app/persistence';
import type { NoteSigner } from '@app/tlog';
import { CLOCK, type Clock, systemClock } from './clock.js';
import { Integrator } from './integrator.js';
import { LedgerRepository } from './ledger.repository.js';
import { LedgerService } from './ledger.service.js';
import { Sequencer } from './sequencer.js';
import { SignerState } from './signer-state.js';

export interface LedgerOptions {
  readonly ledgerName: string;
  readonly clock?: Clock;
}

export interface SigningOptions extends LedgerOptions {
  readonly signerFor: (origin: string) => NoteSigner;
  /** File that remembers what was signed; outside the database. */
  readonly signerStateFile: string;
  readonly checkpointIntervalMs: number;
  readonly onIntegrationError: (origin: string, error: unknown) => void;
}

const INTEGRATOR = Symbol('INTEGRATOR');

/** Starts and stops the moving parts in the order that loses nothing: appends end before integration does. */
class LedgerLifecycle implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly sequencer: Sequencer,
    private readonly integrator: Integrator | null,
    private readonly service: LedgerService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.integrator) return;
    await this.service.open();
    this.integrator.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sequencer.stop();
    await this.integrator?.stop();
  }
}

@Module({})
export class LedgerModule {
  /** For processes without the log key: they append and read, somebody else integrates. */
  static forReaders(options: LedgerOptions): DynamicModule {
    return build(options, { provide: INTEGRATOR, useValue: null });
  }

  /** For daemons: the key at hand, this process integrates and signs checkpoints. */
  static forSigners(options: SigningOptions): DynamicModule {
    const {
      signerFor,
      signerStateFile,
      checkpointIntervalMs: intervalMs,
      onIntegrationError: onError,
    } = options;
    return build(options, {
      provide: INTEGRATOR,
      useFactory: (repository: LedgerRepository, clock: Clock) =>
        new Integrator({
          repository,
          clock,
          signerFor,
          state: new SignerState(signerStateFile),
          intervalMs,
          onError,
        }),
      inject: [LedgerRepository, CLOCK],
    });
  }
}

type Provider = NonNullable<DynamicModule['providers']>[number];

function build(options: LedgerOptions, integrator: Provider): DynamicModule {
  const { ledgerName, clock = systemClock } = options;
  return {
    module: LedgerModule,
    global: true,
    providers: [
      { provide: CLOCK, useValue: clock },
      {
        provide: LedgerRepository,
        useFactory: (db: Database) => new LedgerRepository(db),
        inject: [DATABASE],
      },
      integrator,
      {
        provide: Sequencer,
        useFactory: (repository: LedgerRepository, mine: Integrator | null) =>
          new Sequencer({
            repository,
            clock,
            originOf: (modelId) => `${ledgerName}/${modelId}/commitments`,
            onAppended: () => mine?.wake(),
          }),
        inject: [LedgerRepository, INTEGRATOR],
      },
      {
        provide: LedgerService,
        useFactory: (repository: LedgerRepository, sequencer: Sequencer) =>
          new LedgerService(repository, sequencer, ledgerName),
        inject: [LedgerRepository, Sequencer],
      },
      {
        provide: LedgerLifecycle,
        useFactory: (sequencer: Sequencer, mine: Integrator | null, service: LedgerService) =>
          new LedgerLifecycle(sequencer, mine, service),
        inject: [Sequencer, INTEGRATOR, LedgerService],
      },
    ],
    exports: [CLOCK, LedgerService],
  };
}
