/** Takes the worker's jobs from the queue until the process stops. */
import { CONFIG, type Config } from '@app/config';
import { type Logger, LOGGER } from '@app/logging';
import { Queue } from '@app/queue';
import {
  type BlockJob,
  BlockService,
  type ConcludeJob,
  ConcludeService,
  type DriftJob,
  EndpointDriftService,
  FailuresService,
  PendingSignalsService,
  type PlanJob,
  PlanService,
  type PrepareJob,
  type RecordedDriftCheck,
  SetSignalsService,
  type SignalsJob,
} from '@app/verification';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';

@Injectable()
export class VerificationTasks implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly queue: Queue,
    private readonly planner: PlanService,
    private readonly blocks: BlockService,
    private readonly conclusion: ConcludeService,
    private readonly pending: PendingSignalsService,
    private readonly setSignals: SetSignalsService,
    private readonly drifts: EndpointDriftService,
    private readonly failures: FailuresService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'LACUNA_WORKER_CONCURRENCY'>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { queue, failures } = this;
    const concurrency = this.config.LACUNA_WORKER_CONCURRENCY;
    await queue.work<PlanJob>('verification.plan', { concurrency: 1 }, ({ id, data, lastTry }) =>
      failures.guard(id, lastTry, () => this.planner.plan(id, data)),
    );
    await queue.work<PrepareJob>('verification.prepare', { concurrency: 1 }, ({ data }) =>
      this.pending.prepare(data),
    );
    await queue.work<SignalsJob>('verification.signals', { concurrency: 1 }, ({ data, progress }) =>
      this.setSignals.run(data, progress),
    );
    await queue.work<BlockJob>('verification.block', { concurrency }, ({ data, lastTry, progress }) =>
      failures.guard(data.verificationId, lastTry, () => this.blocks.run(data, progress)),
    );
    await queue.work<DriftJob>(
      'verification.drift',
      { concurrency: 1 },
      async ({ id, data, lastTry, progress }) => {
        const check = await this.drifts.run(id, data, { lastTry, onProgress: progress });
        if (check) this.tell(check);
      },
    );
    await queue.work<ConcludeJob>('verification.conclude', { concurrency: 1 }, ({ data, lastTry }) =>
      failures.guard(data.verificationId, lastTry, () => this.conclusion.run(data.verificationId)),
    );
  }

  private tell({ outcome, seed: _drawnWith, eventIndex, ...check }: RecordedDriftCheck): void {
    const facts = { ...check, outcome, eventIndex: String(eventIndex) };
    if (outcome === 'SAME') this.logger.info(facts, 'the endpoint says what it said');
    else if (outcome === 'DIFFERENT')
      this.logger.warn(
        facts,
        'what answers behind the endpoint has changed: all of its signals are measured anew',
      );
    else this.logger.error(facts, 'the endpoint gave no answer: nothing is attested on what it said before');
  }

  /** Jobs in hand are finished, no new one is taken. */
  async onModuleDestroy(): Promise<void> {
    await this.queue.stop();
  }
}
