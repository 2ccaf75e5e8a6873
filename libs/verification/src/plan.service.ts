/**
 * From a release to the blocks that are missing. The verification takes the id of the job that asked for it, so a job
 * delivered twice plans once. Proven by test/medium/verification.spec.ts.
 */
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { DATABASE, type Database, type Tx } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { VerificationError } from './errors.js';
import { FactsRepository, type ReleaseFact } from './facts.repository.js';
import { planBlocks } from './plan.js';
import { type MeasurementProfile } from './profile/profile-document.js';
import { ProfileService } from './profile/profile.service.js';
import { referenceIds } from './profile/reference-ids.js';
import { ScoreBlockRepository } from './score-block.repository.js';
import { SignalsService } from './signals.service.js';
import { subjectsOf } from './subjects.js';
import { type BlockJob, type PlanJob, sendConclude } from './verification-jobs.js';
import { type NewVerification, VerificationRepository } from './verification.repository.js';

/** The daemon signs a checkpoint within its interval; a longer silence means that it is down: the job comes again. */
const CHECKPOINT_PATIENCE_MS = 20_000;

interface PlannedWork {
  readonly total: number;
  readonly missing: readonly BlockJob[];
}

@Injectable()
export class PlanService {
  constructor(
    private readonly verifications: VerificationRepository,
    private readonly blocks: ScoreBlockRepository,
    private readonly facts: FactsRepository,
    private readonly signals: SignalsService,
    private readonly profiles: ProfileService,
    private readonly ledger: LedgerService,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Plans the verification of a release against all commitments so far and enqueues what is missing.
   * @param verificationId id of the job
   * @returns false when the model has no profile yet: freezing one enqueues the release again
   * @throws VERIFICATION_RELEASE_UNKNOWN; LEDGER_NOT_INTEGRATED (retryable)
   */
  async plan(verificationId: string, { releaseId, cause }: PlanJob): Promise<boolean> {
    const release = await this.facts.release(releaseId);
    if (!release) throw new VerificationError('VERIFICATION_RELEASE_UNKNOWN', 'there is no such release');
    const profile = await this.profiles.current(release.modelId);
    if (!profile) return false;
    const treeSize = await this.committedSize(release);
    const work = await this.missingWork(verificationId, releaseId, profile, treeSize);
    const verification = {
      verificationId,
      releaseId,
      profileId: profile.profileId,
      treeSize,
      cause,
      requestedAt: this.clock(),
    };
    await this.db.transaction().execute(async (tx) => {
      const counts = { total: work.total, reused: work.total - work.missing.length };
      if (await this.verifications.insert(tx, verification, counts)) {
        await this.enqueue(tx, verification, work);
      }
    });
    return true;
  }

  /** N: every commitment acknowledged before this moment, under a signed checkpoint. */
  private async committedSize({ modelId, committedBefore }: ReleaseFact): Promise<bigint> {
    const log = await this.ledger.commitmentLog(modelId);
    const acknowledged = await this.ledger.nextIndex(log.logId);
    const least = acknowledged > committedBefore ? acknowledged : committedBefore;
    return (await this.ledger.checkpointCovering(log, least, CHECKPOINT_PATIENCE_MS)).treeSize;
  }

  private async missingWork(
    verificationId: string,
    releaseId: string,
    { profileId, document }: MeasurementProfile,
    treeSize: bigint,
  ): Promise<PlannedWork> {
    const { digest } = await this.signals.inputs(releaseId, referenceIds(document));
    const missing: BlockJob[] = [];
    let total = 0;
    for (const { name: subject, size } of subjectsOf(document, treeSize)) {
      const stored = await this.blocks.stored({ releaseId, profileId, subject });
      const plan = planBlocks(size, stored, digest);
      total += plan.total;
      missing.push(...plan.missing.map(({ blockIndex }) => ({ verificationId, subject, blockIndex })));
    }
    return { total, missing };
  }

  private async enqueue(tx: Tx, verification: NewVerification, { missing }: PlannedWork): Promise<void> {
    for (const job of missing) await this.queue.send(tx, 'verification.block', job);
    if (missing.length > 0) return;
    await this.verifications.moveTo(tx, verification.verificationId, 'CONCLUDING');
    await sendConclude(this.queue, tx, verification);
  }
}
