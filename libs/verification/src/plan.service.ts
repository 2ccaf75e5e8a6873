/**
 * From a release to the blocks that are missing. The verification takes the id of the job that asked for it, so a job
 * delivered twice plans once. Proven by test/medium/verification.spec.ts.
 */
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { DATABASE, type Database, type Tx } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { DriftCheckRepository } from './endpoint/drift-check.repository.js';
import { VerificationError } from './errors.js';
import { FactsRepository, type ReleaseFact } from './facts.repository.js';
import { SignalBlockRepository } from './live/signal-block.repository.js';
import { planBlocks } from './plan.js';
import { type MeasurementProfile } from './profile/profile-document.js';
import { ProfileService } from './profile/profile.service.js';
import { referenceIds } from './profile/reference-ids.js';
import { ScoreBlockRepository } from './score-block.repository.js';
import { blockInputs, liveOrigins, originsOf, SignalsService } from './signals.service.js';
import { subjectIdOf, subjectsOf } from './subjects.js';
import { type MissingBlock, type PlanJob, sendConclude } from './verification-jobs.js';
import {
  type NewVerification,
  type PlannedCounts,
  VerificationRepository,
} from './verification.repository.js';

/** The daemon signs a checkpoint within its interval; a longer silence means that it is down: the job comes again. */
const CHECKPOINT_PATIENCE_MS = 20_000;

interface PlannedWork {
  readonly blocks: number;
  readonly samples: bigint;
  readonly missing: readonly MissingBlock[];
}

@Injectable()
export class PlanService {
  constructor(
    private readonly verifications: VerificationRepository,
    private readonly blocks: ScoreBlockRepository,
    private readonly cache: SignalBlockRepository,
    private readonly checks: DriftCheckRepository,
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
    const verification = {
      verificationId,
      releaseId,
      generation: await this.checks.generation(releaseId),
      profileId: profile.profileId,
      treeSize,
      cause,
      requestedAt: this.clock(),
    };
    const work = await this.missingWork(verification, profile);
    await this.db.transaction().execute(async (tx) => {
      if (await this.verifications.insert(tx, verification, countsOf(work))) {
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
    { verificationId, releaseId, generation, profileId, treeSize, cause }: NewVerification,
    { document, modelId }: MeasurementProfile,
  ): Promise<PlannedWork> {
    const inputs = await this.signals.inputs({ releaseId, generation }, referenceIds(document));
    const digests = liveOrigins(originsOf(inputs)).map(({ sourceDigest }) => sourceDigest);
    const missing: MissingBlock[] = [];
    let blocks = 0;
    let samples = 0n;
    for (const { name: subject, size } of subjectsOf(document, treeSize)) {
      const stored = await this.blocks.stored({ releaseId, generation, profileId, subject });
      const cached = await this.cache.versions(digests, subjectIdOf(subject, modelId));
      const plan = planBlocks(size, stored, ({ blockIndex }) => {
        const versions = cached.map((versionsOf) => versionsOf.get(blockIndex));
        const retry = versions.some(
          (version) => version?.awaited || (cause === 'operator' && version?.unscorable),
        );
        return { inputs: blockInputs(inputs, versions), retry };
      });
      blocks += plan.total;
      samples += BigInt(size);
      missing.push(
        ...plan.missing.map(({ blockIndex, width }) => ({
          job: { verificationId, subject, blockIndex },
          width,
        })),
      );
    }
    return { blocks, samples, missing };
  }

  private async enqueue(tx: Tx, verification: NewVerification, { missing }: PlannedWork): Promise<void> {
    for (const { job } of missing) await this.queue.send(tx, 'verification.block', job);
    if (missing.length > 0) return;
    await this.verifications.moveTo(tx, verification.verificationId, 'CONCLUDING');
    await sendConclude(this.queue, tx, verification);
  }
}

function countsOf({ blocks, samples, missing }: PlannedWork): PlannedCounts {
  const wanted = missing.reduce((sum, { width }) => sum + BigInt(width), 0n);
  return {
    blocks: { total: blocks, reused: blocks - missing.length },
    samples: { total: samples, reused: samples - wanted },
  };
}
