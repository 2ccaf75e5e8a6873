/** Verifications as others see them: asked for, listed, followed. Proven by test/medium/verification.spec.ts. */
import { CLOCK, type Clock } from '@app/ledger';
import { DATABASE, type Database, type VerificationCause } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { VerificationError } from './errors.js';
import { FactsRepository, type ReleaseRuntime } from './facts.repository.js';
import { type Page, pageOf, type PageRequest, pageSize, readCursor, UUID_KEY } from './page.js';
import { type RequestedVerification, sendConclude, sendRequest } from './verification-jobs.js';
import {
  type Verification,
  type VerificationFilter,
  VerificationRepository,
} from './verification.repository.js';

@Injectable()
export class VerificationService {
  constructor(
    private readonly verifications: VerificationRepository,
    private readonly facts: FactsRepository,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws VERIFICATION_UNKNOWN */
  async get(verificationId: string): Promise<Verification> {
    const verification = await this.verifications.find(verificationId);
    if (!verification) throw new VerificationError('VERIFICATION_UNKNOWN', 'there is no such verification');
    return verification;
  }

  /** Null where {@link get} throws: a verification that was asked for exists once it is planned. */
  async find(verificationId: string): Promise<Verification | null> {
    return (await this.verifications.find(verificationId)) ?? null;
  }

  /** Newest first. */
  async list(filter: VerificationFilter, page: PageRequest): Promise<Page<Verification>> {
    const size = pageSize(page);
    const after = page.after === undefined ? null : readCursor(page.after, UUID_KEY);
    const rows = await this.verifications.list(filter, after, size + 1);
    return pageOf(rows, size, ({ verificationId }) => verificationId);
  }

  /**
   * Asks for a verification of a release against all commitments so far. Where an endpoint answers for it a drift check comes
   * first; an endpoint that gives no answer leaves it at that. Asked again it is checked and verified again.
   * @throws VERIFICATION_RELEASE_UNKNOWN
   */
  async request(releaseId: string, cause: VerificationCause): Promise<RequestedVerification> {
    const release = await this.facts.release(releaseId);
    if (!release) throw new VerificationError('VERIFICATION_RELEASE_UNKNOWN', 'there is no such release');
    return this.send(release, cause);
  }

  /** As {@link request}, of every model's current release, where the model has a profile. */
  async requestCurrentReleases(cause: VerificationCause): Promise<RequestedVerification[]> {
    const requested: RequestedVerification[] = [];
    for (const release of await this.facts.currentReleases()) requested.push(await this.send(release, cause));
    return requested;
  }

  /**
   * Sends the next job of every verification that is neither attested nor failed and has none that waits or runs: for a
   * start after a crash.
   * @returns how many verifications that were
   */
  async resumeUnfinished(): Promise<number> {
    const unfinished = await this.verifications.unfinished();
    const awaited = await this.queue.awaited('verificationId');
    const lost = unfinished.filter(({ verificationId }) => !awaited.has(verificationId));
    await this.db.transaction().execute(async (tx) => {
      for (const verification of lost) {
        const { verificationId, progress } = verification;
        if (progress.status !== 'CONCLUDED') await sendConclude(this.queue, tx, verification);
        else await this.queue.send(tx, 'verification.attest', { verificationId });
      }
    });
    return lost.length;
  }

  private send(release: ReleaseRuntime, cause: VerificationCause): Promise<RequestedVerification> {
    return sendRequest(this.queue, this.db, release, { cause, at: this.clock() });
  }
}
