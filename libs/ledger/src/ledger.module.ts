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
import { PublicationRepository } from './publication.repository.js';
import { Publisher, type Witnessing } from './publisher.js';
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
  /** Who must have cosigned before a checkpoint is published; without it nobody. */
  readonly witnessing?: Witnessing | null;
  readonly onPublicationError?: (origin: string, witness: string, error: unknown) => void;
}

/** Starts and stops the moving parts in the order that loses nothing: appends end before integration does. */
class LedgerLifecycle implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly sequencer: Sequencer,
    private readonly integrator: Integrator | null,
    private readonly publisher: Publisher | null,
    private readonly service: LedgerService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (!this.integrator) return;
    await this.service.open();
    this.integrator.start();
    this.publisher?.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sequencer.stop();
    await this.integrator?.stop();
    await this.publisher?.stop();
  }
}

@Module({})
export class LedgerModule {
  /** For processes without the log key: they append and read, somebody else integrates. */
  static forReaders(options: LedgerOptions): DynamicModule {
    return build(options, [
      { provide: Integrator, useValue: null },
      { provide: Publisher, useValue: null },
    ]);
  }

  /** For daemons: the key at hand, this process integrates and signs checkpoints. */
  static forSigners(options: SigningOptions): DynamicModule {
    return build(options, [integratorProvider(options), publisherProvider(options)]);
  }
}

type Provider = NonNullable<DynamicModule['providers']>[number];

function integratorProvider(options: SigningOptions): Provider {
  const { signerFor, signerStateFile, checkpointIntervalMs, onIntegrationError, witnessing } = options;
  return {
    provide: Integrator,
    useFactory: (
      repository: LedgerRepository,
      publications: PublicationRepository,
      clock: Clock,
      publisher: Publisher,
    ) =>
      new Integrator({
        repository,
        publications: witnessing ? null : publications,
        clock,
        signerFor,
        state: new SignerState(signerStateFile),
        intervalMs: checkpointIntervalMs,
        onError: onIntegrationError,
        onCheckpoint: () => publisher.wake(),
      }),
    inject: [LedgerRepository, PublicationRepository, CLOCK, Publisher],
  };
}

function publisherProvider({
  witnessing = null,
  checkpointIntervalMs,
  onPublicationError = () => undefined,
}: SigningOptions): Provider {
  return {
    provide: Publisher,
    useFactory: (repository: LedgerRepository, publications: PublicationRepository, clock: Clock) =>
      new Publisher({
        repository,
        publications,
        clock,
        witnessing,
        intervalMs: checkpointIntervalMs,
        onError: onPublicationError,
      }),
    inject: [LedgerRepository, PublicationRepository, CLOCK],
  };
}

function build(options: LedgerOptions, signing: readonly Provider[]): DynamicModule {
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
      {
        provide: PublicationRepository,
        useFactory: (db: Database) => new PublicationRepository(db),
        inject: [DATABASE],
      },
      ...signing,
      {
        provide: Sequencer,
        useFactory: (repository: LedgerRepository, mine: Integrator | null) =>
          new Sequencer({
            repository,
            clock,
            originOf: (modelId) => `${ledgerName}/${modelId}/commitments`,
            onAppended: () => mine?.wake(),
          }),
        inject: [LedgerRepository, Integrator],
      },
      {
        provide: LedgerService,
        useFactory: (
          repository: LedgerRepository,
          publications: PublicationRepository,
          sequencer: Sequencer,
        ) => new LedgerService(repository, publications, sequencer, ledgerName),
        inject: [LedgerRepository, PublicationRepository, Sequencer],
      },
      {
        provide: LedgerLifecycle,
        useFactory: (
          sequencer: Sequencer,
          mine: Integrator | null,
          publisher: Publisher | null,
          service: LedgerService,
        ) => new LedgerLifecycle(sequencer, mine, publisher, service),
        inject: [Sequencer, Integrator, Publisher, LedgerService],
      },
    ],
    exports: [CLOCK, LedgerService, Integrator, Publisher],
  };
}
