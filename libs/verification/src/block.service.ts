/**
 * One block of work: read signals, score, write once. Everything before the last transaction may be lost or done twice
 * without harm, so a killed worker's block is simply run by another. Proven by test/medium/verification.spec.ts.
 */
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { DATABASE, type Database } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { decodeScores, encodeScores } from './block-scores.js';
import { countSignals, scoreSamples } from './block.js';
import { VerificationError } from './errors.js';
import { FactsRepository } from './facts.repository.js';
import {
  BLOCK_WIDTH,
  bestBlock,
  ERASED_SCORE,
  isComplete,
  positionsToScore,
  UNSCORABLE_SCORE,
} from './plan.js';
import { type MeasurementProfile } from './profile/profile-document.js';
import { ProfileService } from './profile/profile.service.js';
import { referenceIds } from './profile/reference-ids.js';
import { type NewScoreBlock, ScoreBlockRepository, type ScoreKey } from './score-block.repository.js';
import { type SignalInputs, SignalsService } from './signals.service.js';
import { COMMITMENTS, subjectsOf } from './subjects.js';
import { type BlockJob, sendConclude } from './verification-jobs.js';
import { isConcluded, type Verification, VerificationRepository } from './verification.repository.js';

/** Injection token of the name under which this process computes, kept with each block. */
export const WORKER_NAME = Symbol('WORKER_NAME');

@Injectable()
export class BlockService {
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
    @Inject(WORKER_NAME) private readonly workerName: string,
  ) {}

  /**
   * Scores the block unless it is known already, counts it, and enqueues the conclusion after the last one.
   * @throws VERIFICATION_UNKNOWN, VERIFICATION_RESULTS_CORRUPT
   */
  async run({ verificationId, subject, blockIndex }: BlockJob): Promise<void> {
    const verification = await this.verifications.find(verificationId);
    if (!verification) throw new VerificationError('VERIFICATION_UNKNOWN', 'there is no such verification');
    if (isConcluded(verification)) return;
    const { releaseId, profileId } = verification;
    const key = { releaseId, profileId, subject };
    const block = await this.compute(verification, key, blockIndex);
    await this.db.transaction().execute(async (tx) => {
      const written = block !== null && (await this.blocks.insert(tx, key, block));
      const work = written ? block : { signalsRead: 0, forwardPasses: 0 };
      if (await this.verifications.countBlock(tx, verificationId, work)) {
        await this.verifications.moveTo(tx, verificationId, 'CONCLUDING');
        await sendConclude(this.queue, tx, verification);
      }
    });
  }

  /** The block with every score that the recordings known now allow; null when that is stored already. */
  private async compute(
    verification: Verification,
    key: ScoreKey,
    blockIndex: number,
  ): Promise<NewScoreBlock | null> {
    const profile = await this.profiles.get(key.profileId);
    const inputs = await this.signals.inputs(key.releaseId, referenceIds(profile.document));
    const needed = neededWidth(verification, profile, key.subject, blockIndex);
    const stored = bestBlock(await this.blocks.stored(key, blockIndex), inputs.digest);
    if (isComplete(stored, needed, inputs.digest)) return null;
    const best = stored && { ...stored, scores: decodeScores(await this.blocks.scores(key, stored)) };
    const width = Math.max(needed, best?.width ?? 0);
    const sampleIds = await this.sampleIds(verification.modelId, key.subject, blockIndex, width);
    const wanted = positionsToScore(width, best, inputs.digest);
    const positions = wanted.filter((position) => sampleIds[position] !== null);
    const fresh = await this.score(
      positions.map((position) => sampleIds[position]!),
      inputs,
      profile,
    );
    const scores = new Int32Array(width).fill(UNSCORABLE_SCORE);
    if (best) scores.set(best.scores);
    for (const position of wanted) if (sampleIds[position] === null) scores[position] = ERASED_SCORE;
    positions.forEach((position, i) => (scores[position] = fresh.scores[i]!));
    return {
      blockIndex,
      width,
      inputs: inputs.digest,
      scores: encodeScores(scores),
      unscorable: scores.filter((score) => score === UNSCORABLE_SCORE).length,
      signalsRead: fresh.signalsRead,
      forwardPasses: 0,
      computedBy: this.workerName,
      computedAt: this.clock(),
    };
  }

  private async score(
    sampleIds: readonly string[],
    inputs: SignalInputs,
    { document, scale }: MeasurementProfile,
  ): Promise<{ scores: Int32Array; signalsRead: number }> {
    const target = await this.signals.values(inputs.target, sampleIds);
    const references = await this.signals.references(inputs, sampleIds);
    const { original, shadows } = references;
    return {
      scores: scoreSamples(target, references, { parameters: document.measurement, scale }),
      signalsRead: countSignals(target, ...shadows, ...(original ? [original] : [])),
    };
  }

  private async sampleIds(
    modelId: string,
    subject: string,
    blockIndex: number,
    width: number,
  ): Promise<readonly (string | null)[]> {
    const from = blockIndex * BLOCK_WIDTH;
    const ids =
      subject === COMMITMENTS
        ? await this.facts.committedSamples(
            (await this.ledger.commitmentLog(modelId)).logId,
            BigInt(from),
            width,
          )
        : await this.facts.setMembers(subject, from, width);
    if (ids.length === width) return ids;
    throw new VerificationError('VERIFICATION_RESULTS_CORRUPT', 'a sample of the block is missing', {
      details: { blockIndex, width, found: ids.length },
    });
  }
}

function neededWidth(
  { treeSize }: Verification,
  { document }: MeasurementProfile,
  subject: string,
  blockIndex: number,
): number {
  const size = subjectsOf(document, treeSize).find(({ name }) => name === subject)?.size ?? 0;
  const width = Math.min(BLOCK_WIDTH, size - blockIndex * BLOCK_WIDTH);
  if (width > 0) return width;
  throw new VerificationError('VERIFICATION_RESULTS_CORRUPT', 'the verification has no such block', {
    details: { blockIndex },
  });
}
