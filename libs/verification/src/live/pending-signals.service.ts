/**
 * Signals of live references on the model's calibration sets and controls: what is missing is computed by the workers
 * before a profile can be frozen over it. Proven by test/medium/live-verification.spec.ts.
 */
import { DATABASE, type Database } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { VerificationError } from '../errors.js';
import { FactsRepository, type SampleSetFact } from '../facts.repository.js';
import { blocksOf } from '../plan.js';
import { liveOrigins, type SignalInputs, type SignalOrigin, SignalsService } from '../signals.service.js';
import type { PrepareJob, SignalsJob } from '../verification-jobs.js';
import { SignalBlockRepository } from './signal-block.repository.js';

type SizedSet = Pick<SampleSetFact, 'sampleSetId' | 'size'>;

interface Missing {
  readonly jobs: readonly SignalsJob[];
  /** Blocks in all, and those among the missing that lack nothing but payloads. */
  readonly of: number;
  readonly awaited: number;
}

@Injectable()
export class PendingSignalsService {
  constructor(
    private readonly cache: SignalBlockRepository,
    private readonly facts: FactsRepository,
    private readonly signals: SignalsService,
    private readonly queue: Queue,
    @Inject(DATABASE) private readonly db: Database,
  ) {}

  /** Enqueues every block of signals that a live reference of the model lacks on a sample set of the model. */
  async prepare({ modelId }: PrepareJob): Promise<void> {
    const references = await this.facts.references(modelId);
    const origins = await Promise.all(references.map(({ referenceId }) => this.signals.origin(referenceId)));
    const { jobs } = await this.missing(modelId, origins, await this.facts.sampleSets(modelId));
    await this.db.transaction().execute(async (tx) => {
      for (const job of jobs) await this.queue.send(tx, 'verification.signals', job);
    });
  }

  /**
   * Nothing where every live reference has a signal for every sample of the sets; otherwise asks for what is missing.
   * @throws VERIFICATION_SIGNALS_PENDING (retryable); VERIFICATION_SIGNALS_MISSING where models gave none, with the reasons
   */
  async refusePending(
    modelId: string,
    { original, shadows }: Pick<SignalInputs, 'original' | 'shadows'>,
    sets: readonly SizedSet[],
  ): Promise<void> {
    const origins = [original, ...shadows];
    const { jobs, of, awaited } = await this.missing(modelId, origins, sets);
    if (jobs.length === 0) return this.refuseUnscorable(origins, sets);
    await this.queue.send(this.db, 'verification.prepare', { modelId }, { singletonKey: modelId });
    throw new VerificationError(
      'VERIFICATION_SIGNALS_PENDING',
      awaited === jobs.length
        ? `${awaited} blocks of the calibration set and the controls hold samples without a stored payload; store them, then try again`
        : `${jobs.length} of ${of} blocks of reference signals on the calibration set and the controls are still being computed; try again in a moment`,
      { retryable: true, details: { missing: jobs.length, of, awaited } },
    );
  }

  private async refuseUnscorable(
    origins: readonly (SignalOrigin | null)[],
    sets: readonly SizedSet[],
  ): Promise<void> {
    const counts = new Map<string, number>();
    for (const { sourceDigest } of liveOrigins(origins)) {
      for (const { sampleSetId } of sets) {
        const key = { sourceDigest, subjectId: sampleSetId };
        for (const { blockIndex, unscorable } of (
          await this.cache.versions([sourceDigest], sampleSetId)
        )[0]!.values()) {
          const block = unscorable > 0 ? await this.cache.best(key, blockIndex) : undefined;
          for (const [code, ranges] of Object.entries(block?.reasons ?? {})) {
            const samples = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
            counts.set(code, (counts.get(code) ?? 0) + samples);
          }
        }
      }
    }
    if (counts.size === 0) return;
    const reasons = [...counts].map(([code, samples]) => `${code} (${samples})`).join(', ');
    throw new VerificationError(
      'VERIFICATION_SIGNALS_MISSING',
      `reference models gave no signal for samples of the calibration set or the controls: ${reasons}`,
      { details: { reasons } },
    );
  }

  private async missing(
    modelId: string,
    origins: readonly (SignalOrigin | null)[],
    sets: readonly SizedSet[],
  ): Promise<Missing> {
    const sources = liveOrigins(origins);
    const jobs: SignalsJob[] = [];
    let of = 0;
    let awaited = 0;
    for (const { sampleSetId, size } of sets) {
      const cached = await this.cache.versions(
        sources.map(({ sourceDigest }) => sourceDigest),
        sampleSetId,
      );
      for (const [i, { artifactDigest }] of sources.entries()) {
        for (const { blockIndex, width } of blocksOf(size)) {
          of += 1;
          const version = cached[i]!.get(blockIndex);
          const complete = version !== undefined && version.width >= width;
          if (complete && !version.awaited) continue;
          if (complete) awaited += 1;
          jobs.push({ modelId, artifactDigest, sampleSetId, blockIndex });
        }
      }
    }
    return { jobs, of, awaited };
  }
}
