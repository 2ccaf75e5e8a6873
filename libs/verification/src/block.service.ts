/**
 * One block of work: signals, scores, written once. Everything before a transaction may be lost or done twice without
 * harm, so a killed worker's block is simply run by another. Proven by test/medium/verification.spec.ts.
 */
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { commitLazily, DATABASE, type Database } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { BlockFactsRepository } from './block-facts.repository.js';
import { decodeScores, encodeScores } from './block-scores.js';
import { countSignals, type ReferenceValues, scoreSamples } from './block.js';
import { VerificationError } from './errors.js';
import { LiveSignalsService } from './live/live-signals.service.js';
import type { SignalBlock } from './live/signal-block.js';
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
import {
  blockInputs,
  liveOrigins,
  originsOf,
  type SignalInputs,
  type SignalOrigin,
  SignalsService,
  type WantedSamples,
} from './signals.service.js';
import { COMMITMENTS, subjectIdOf, subjectsOf } from './subjects.js';
import { type BlockJob, sendConclude } from './verification-jobs.js';
import { isConcluded, type Verification, VerificationRepository } from './verification.repository.js';
import { WORKER_NAME } from './worker-name.js';

/** Cached signals by source digest, of the block at hand. */
type LiveBlocks = ReadonlyMap<string, SignalBlock>;

interface ScoredSamples {
  readonly scores: Int32Array;
  /** Recorded signals. */
  readonly signalsRead: number;
  /** Signals of live models, computed for this verification or before. */
  readonly liveSignals: number;
}

/** What a block job works on. */
interface BlockTask {
  readonly verification: Verification;
  readonly profile: MeasurementProfile;
  readonly key: ScoreKey;
  readonly blockIndex: number;
  readonly inputs: SignalInputs;
  readonly neededWidth: number;
}

@Injectable()
export class BlockService {
  constructor(
    private readonly verifications: VerificationRepository,
    private readonly blocks: ScoreBlockRepository,
    private readonly samples: BlockFactsRepository,
    private readonly signals: SignalsService,
    private readonly live: LiveSignalsService,
    private readonly profiles: ProfileService,
    private readonly ledger: LedgerService,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(WORKER_NAME) private readonly workerName: string,
  ) {}

  /**
   * Scores the block unless it is known already, counts it, and enqueues the conclusion after the last one.
   * @param onProgress called now and then while the work goes on
   * @throws VERIFICATION_UNKNOWN, VERIFICATION_RESULTS_CORRUPT; what may pass by itself while a model is run
   */
  async run(
    { verificationId, subject, blockIndex }: BlockJob,
    onProgress: () => void = () => undefined,
  ): Promise<void> {
    const verification = await this.verifications.find(verificationId);
    if (!verification) throw new VerificationError('VERIFICATION_UNKNOWN', 'there is no such verification');
    if (isConcluded(verification)) return;
    const { releaseId, generation, profileId } = verification;
    const profile = await this.profiles.get(profileId);
    const task: BlockTask = {
      verification,
      profile,
      key: { releaseId, generation, profileId, subject },
      blockIndex,
      inputs: await this.signals.inputs(verification, referenceIds(profile.document)),
      neededWidth: neededWidth(verification, profile, subject, blockIndex),
    };
    const block = await this.compute(task, onProgress);
    await this.db.transaction().execute(async (tx) => {
      await commitLazily(tx);
      const written = block !== null && (await this.blocks.insert(tx, task.key, block));
      const work = written ? block : { signalsRead: 0, signalsReused: 0 };
      if (await this.verifications.countBlock(tx, verificationId, { ...work, samples: task.neededWidth })) {
        await this.verifications.moveTo(tx, verificationId, 'CONCLUDING');
        await sendConclude(this.queue, tx, verification);
      }
    });
  }

  /** The block with every score that the signals to be had now allow; null when that is stored already. */
  private async compute(
    task: BlockTask,
    onProgress: () => void,
  ): Promise<(NewScoreBlock & { readonly signalsReused: number }) | null> {
    const { key, blockIndex, verification } = task;
    const versions = await this.blocks.stored(key, blockIndex);
    const widest = Math.max(task.neededWidth, ...versions.map(({ width }) => width));
    const origins = liveOrigins(originsOf(task.inputs));
    if (
      origins.length > 0 &&
      versions.some(({ width, unscorable }) => width === widest && unscorable === 0)
    ) {
      return null;
    }
    const sampleIds = await this.sampleIds(verification.modelId, key.subject, blockIndex, widest);
    const { live, passes } = await this.runModels(task, sampleIds, onProgress);
    const digest = blockInputs(task.inputs, [...live.values()]);
    const stored = bestBlock(versions, digest);
    if (isComplete(stored, widest, digest)) return null;
    const best = stored && { ...stored, scores: decodeScores(await this.blocks.scores(key, stored)) };
    const wanted = positionsToScore(widest, best, digest);
    const positions = wanted.filter((position) => sampleIds[position] !== null);
    const fresh = await this.score(task, positions, sampleIds, live);
    const scores = new Int32Array(widest).fill(UNSCORABLE_SCORE);
    if (best) scores.set(best.scores);
    for (const position of wanted) if (sampleIds[position] === null) scores[position] = ERASED_SCORE;
    positions.forEach((position, i) => (scores[position] = fresh.scores[i]!));
    return {
      blockIndex,
      width: widest,
      inputs: digest,
      scores: encodeScores(scores),
      unscorable: scores.filter((score) => score === UNSCORABLE_SCORE).length,
      signalsRead: fresh.signalsRead,
      signalsReused: Math.max(0, fresh.liveSignals - passes),
      forwardPasses: passes,
      computedBy: this.workerName,
      computedAt: this.clock(),
    };
  }

  /** Sends what is not known yet through the live models; the signals are written and counted there and then. */
  private async runModels(
    { inputs, verification, profile, key, blockIndex }: BlockTask,
    sampleIds: readonly (string | null)[],
    onProgress: () => void,
  ): Promise<{ live: LiveBlocks; passes: number }> {
    const { modelId, verificationId, cause } = verification;
    const sources = liveOrigins(originsOf(inputs));
    let passes = 0;
    const blocks = await this.live.ensure(
      sources,
      {
        modelId,
        signalKind: profile.document.measurement.signalKind,
        subjectId: subjectIdOf(key.subject, modelId),
        blockIndex,
        sampleIds,
        retryFailed: cause === 'operator',
      },
      {
        onProgress,
        onWritten: async (tx, { sourceDigest }, count) => {
          passes += count;
          const { target } = inputs;
          const ofTarget = target.kind === 'live' && target.sourceDigest === sourceDigest;
          await this.verifications.countPasses(tx, verificationId, ofTarget ? 'target' : 'reference', count);
        },
      },
    );
    return { live: new Map(sources.map(({ sourceDigest }, i) => [sourceDigest, blocks[i]!])), passes };
  }

  private async score(
    { inputs, profile: { document, scale }, key, verification, blockIndex }: BlockTask,
    positions: readonly number[],
    sampleIds: readonly (string | null)[],
    live: LiveBlocks,
  ): Promise<ScoredSamples> {
    const samples = {
      subjectId: subjectIdOf(key.subject, verification.modelId),
      positions: positions.map((position) => blockIndex * BLOCK_WIDTH + position),
      sampleIds: positions.map((position) => sampleIds[position]!),
    };
    const valuesOf = (origin: SignalOrigin) => this.values(origin, samples, live);
    const target = await valuesOf(inputs.target);
    const references: ReferenceValues = {
      original: inputs.original && (await valuesOf(inputs.original)),
      shadows: await Promise.all(inputs.shadows.map(valuesOf)),
    };
    const { original } = references;
    const all: (readonly [SignalOrigin, Float64Array])[] = [
      [inputs.target, target],
      ...references.shadows.map((shadow, i) => [inputs.shadows[i]!, shadow] as const),
      ...(original && inputs.original ? [[inputs.original, original] as const] : []),
    ];
    const count = (kind: SignalOrigin['kind']): number =>
      countSignals(...all.flatMap(([origin, values]) => (origin.kind === kind ? [values] : [])));
    return {
      scores: scoreSamples(target, references, { parameters: document.measurement, scale }),
      signalsRead: count('recorded'),
      liveSignals: count('live'),
    };
  }

  private async values(
    origin: SignalOrigin,
    samples: WantedSamples,
    live: LiveBlocks,
  ): Promise<Float64Array> {
    if (origin.kind === 'recorded') return this.signals.values(origin, samples);
    const { values } = live.get(origin.sourceDigest)!;
    return Float64Array.from(samples.positions, (position) => values[position % BLOCK_WIDTH]!);
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
        ? await this.samples.committedSamples(
            (await this.ledger.commitmentLog(modelId)).logId,
            BigInt(from),
            width,
          )
        : await this.samples.setMembers(subject, from, width);
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
