/**
 * Asks for verifications in the transaction that makes them necessary, so that the need cannot be lost: the job exists
 * exactly if the release, commitment or signal does. Proven by test/medium/registry-releases.spec.ts.
 */
import { Injectable } from '@nestjs/common';
import type { Queryable, Tx, VerificationCause } from '@app/persistence';
import { Queue } from '@app/queue';
import { DeletionRequestRepository } from './deletion-request.repository.js';
import { ReferenceRepository } from './reference.repository.js';
import { ReleaseRepository } from './release.repository.js';
import { RECORDED_RUNTIME } from './runtime-name.js';

@Injectable()
export class VerificationTrigger {
  constructor(
    private readonly queue: Queue,
    private readonly releases: ReleaseRepository,
    private readonly references: ReferenceRepository,
    private readonly requests: DeletionRequestRepository,
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

  /** Asks for signals that live references of the model lack on its sample sets; does nothing without live references. */
  async forReferenceSignals(tx: Queryable, modelId: string): Promise<void> {
    if (!(await this.references.anyLive(tx, modelId))) return;
    await this.queue.send(tx, 'verification.prepare', { modelId }, { singletonKey: modelId });
  }

  /** What was unscorable for want of these payloads can be scored now. */
  async forStoredSamples(tx: Tx, modelId: string, sampleIds: readonly string[]): Promise<void> {
    await this.forReferenceSignals(tx, modelId);
    const release = await this.releases.current(modelId, tx);
    if (!release || release.runtime === RECORDED_RUNTIME) return;
    if (await this.requests.anyCommitted(tx, modelId, sampleIds))
      await this.forRelease(tx, release.releaseId, 'signals');
  }

  /** Does nothing while the model has no release: its first one is planned when it is registered. */
  async forCurrentRelease(tx: Tx, modelId: string, cause: VerificationCause): Promise<void> {
    const release = await this.releases.current(modelId, tx);
    if (release) await this.forRelease(tx, release.releaseId, cause);
  }
}
