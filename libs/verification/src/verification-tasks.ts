/** Takes the worker's jobs from the queue until it is stopped. */
import { Queue } from '@app/queue';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { BlockService } from './block.service.js';
import { ConcludeService } from './conclude.service.js';
import { FailuresService } from './failures.service.js';
import { PlanService } from './plan.service.js';
import { type BlockJob, type ConcludeJob, type PlanJob } from './verification-jobs.js';

/** Injection token of the number of blocks taken at a time. */
export const CONCURRENCY = Symbol('CONCURRENCY');

@Injectable()
export class VerificationTasks implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly queue: Queue,
    private readonly planner: PlanService,
    private readonly blocks: BlockService,
    private readonly conclusion: ConcludeService,
    private readonly failures: FailuresService,
    @Inject(CONCURRENCY) private readonly concurrency: number,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { queue, failures } = this;
    await queue.work<PlanJob>('verification.plan', { concurrency: 1 }, ({ id, data, lastTry }) =>
      failures.guard(id, lastTry, () => this.planner.plan(id, data)),
    );
    await queue.work<BlockJob>('verification.block', { concurrency: this.concurrency }, ({ data, lastTry }) =>
      failures.guard(data.verificationId, lastTry, () => this.blocks.run(data)),
    );
    await queue.work<ConcludeJob>('verification.conclude', { concurrency: 1 }, ({ data, lastTry }) =>
      failures.guard(data.verificationId, lastTry, () => this.conclusion.run(data.verificationId)),
    );
  }

  /** Jobs in hand are finished, no new one is taken. */
  async onModuleDestroy(): Promise<void> {
    await this.queue.stop();
  }
}
