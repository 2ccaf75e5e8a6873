/**
 * Asks for verifications in the transaction that makes them necessary, so that the need cannot be lost: the job exists
 * exactly if the release, commitment or signal does. Proven by test/medium/registry-releases.spec.ts.
 */
import { Injectable } from '@nestjs/common';
import type { Tx, VerificationCause } from '@app/persistence';
import { Queue } from '@app/queue';
import { ReleaseRepository } from './release.repository.js';

@Injectable()
export class VerificationTrigger {
  constructor(
    private readonly queue: Queue,
    private readonly releases: ReleaseRepository,
  ) {}

  /** Requests of one cause for one release within a moment become one. */
  async forRelease(tx: Tx, releaseId: string, cause: VerificationCause): Promise<void> {
    await this.queue.send(
      tx,
      'verification.plan',
      { releaseId, cause },
      { singletonKey: `${releaseId}:${cause}` },
    );
  }

  /** Does nothing while the model has no release: its first one is planned when it is registered. */
  async forCurrentRelease(tx: Tx, modelId: string, cause: VerificationCause): Promise<void> {
    const release = await this.releases.current(modelId, tx);
    if (release) await this.forRelease(tx, release.releaseId, cause);
  }
}
