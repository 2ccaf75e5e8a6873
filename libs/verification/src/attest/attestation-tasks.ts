/** Takes the daemon's jobs: what is concluded is attested. */
import { Queue } from '@app/queue';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { FailuresService } from '../failures.service.js';
import { type ConcludeJob } from '../verification-jobs.js';
import { AttestationIssuer } from './attestation-issuer.service.js';

@Injectable()
export class AttestationTasks implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly queue: Queue,
    private readonly issuer: AttestationIssuer,
    private readonly failures: FailuresService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.work<ConcludeJob>('verification.attest', { concurrency: 1 }, ({ data, lastTry }) =>
      this.failures.guard(data.verificationId, lastTry, () => this.issuer.issue(data.verificationId)),
    );
  }

  async onModuleDestroy(): Promise<void> {
    await this.queue.stop();
  }
}
