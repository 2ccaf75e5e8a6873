/**
 * The drift check: an endpoint is asked again for a random sample of what it said of a release before. What came out is an
 * event and a row, and in the same transaction the release's verification is asked for: over known signals where they are
 * the same, over new ones, the next generation, where they are not. Where nobody answers nothing is asked for, so that no
 * fresh attestation stands on what could not be looked at. Proven by test/medium/endpoint-drift.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import { InferenceError, type ModelRuntime } from '@app/inference';
import { CLOCK, type Clock, type EventDraft, LedgerService } from '@app/ledger';
import { DATABASE, type Database, type Queryable, type Tx } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { VerificationError } from '../errors.js';
import { FactsRepository, type ReleaseFact } from '../facts.repository.js';
import { measureBatch } from '../live/measure-batch.js';
import { RUNTIME_POOL_OPTIONS, type RuntimePoolOptions } from '../live/runtime-pool.service.js';
import { SampleReader } from '../live/sample-reader.service.js';
import { releaseSource } from '../live/signal-source.js';
import type { MeasurementProfile } from '../profile/profile-document.js';
import { ProfileService } from '../profile/profile.service.js';
import type { DriftJob, PlanJob } from '../verification-jobs.js';
import { WORKER_NAME } from '../worker-name.js';
import { type AskedAgain, findDrift } from './drift-check.js';
import { DriftCheckRepository, type RecordedDriftCheck } from './drift-check.repository.js';
import { type KnownSignal, KnownSignals } from './known-signals.service.js';

/** Type of the event that says what a drift check found. */
const DRIFT_CHECK_EVENT = 'endpoint-checked';

export interface DriftSettings {
  /** Known signals that are asked for again, where there are as many. */
  readonly sample: number;
  /** Largest difference of the log-odds of two signals taken to be the same. */
  readonly tolerance: number;
  /** 32 random bytes: the sample is drawn with them. */
  readonly newSeed: () => Uint8Array;
}

/** Injection token of {@link DriftSettings}. */
export const DRIFT_SETTINGS = Symbol('DRIFT_SETTINGS');

type NewDriftCheck = Omit<RecordedDriftCheck, 'eventIndex'>;

/** How one job is done. */
export interface DriftTry {
  /** Whether the queue will not try again: then an endpoint that does not answer is UNREACHABLE. */
  readonly lastTry: boolean;
  /** Called now and then while the work goes on. */
  readonly onProgress?: () => void;
}

@Injectable()
export class EndpointDriftService {
  constructor(
    private readonly checks: DriftCheckRepository,
    private readonly known: KnownSignals,
    private readonly facts: FactsRepository,
    private readonly profiles: ProfileService,
    private readonly samples: SampleReader,
    private readonly ledger: LedgerService,
    private readonly queue: Queue,
    @Inject(RUNTIME_POOL_OPTIONS) private readonly runtimes: Pick<RuntimePoolOptions, 'open'>,
    @Inject(DRIFT_SETTINGS) private readonly settings: DriftSettings,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(WORKER_NAME) private readonly workerName: string,
  ) {}

  /**
   * Makes the check that a due time asked for, once. A release of which nothing is known is verified at once; one that is
   * not in use any more is left alone by the schedule. Who asks at a due time that has its check gets the verification all
   * the same; the schedule, which asks twice after a crash, got it with the check.
   * @param jobId the id of the verification that follows
   * @returns what was found; null where no check was made
   * @throws VERIFICATION_RELEASE_UNKNOWN; what may pass by itself, before the last try; VERIFICATION_DRIFT_CHECK_RACE (retryable)
   */
  async run(
    jobId: string,
    { releaseId, ...job }: DriftJob,
    { lastTry, onProgress = () => undefined }: DriftTry,
  ): Promise<RecordedDriftCheck | null> {
    const { cause = 'schedule' } = job;
    const dueAt = new Date(job.dueAt);
    const follow = (db: Queryable) => this.requestVerification(db, jobId, { releaseId, cause });
    const made = await this.checks.ofDueTime(releaseId, dueAt);
    if (made) {
      if (cause !== 'schedule' && made.outcome !== 'UNREACHABLE') await follow(this.db);
      return null;
    }
    const release = await this.facts.release(releaseId);
    if (!release) throw new VerificationError('VERIFICATION_RELEASE_UNKNOWN', 'there is no such release');
    const profile = await this.profiles.current(release.modelId);
    if (!profile) return null;
    const current = await this.facts.currentRelease(release.modelId);
    if (cause === 'schedule' && current?.releaseId !== releaseId) return null;
    const generation = await this.checks.generation(releaseId);
    const seed = Buffer.from(this.settings.newSeed()).toString('hex');
    const drawn = await this.draw(release, generation, profile, seed);
    if (drawn.length === 0) {
      await follow(this.db);
      return null;
    }
    const { measurement } = profile.document;
    const { asked, unread } = await this.ask(release, drawn, measurement.signalKind, { lastTry, onProgress });
    const { tolerance } = this.settings;
    const finding = findDrift(asked, measurement.signalKind, tolerance);
    const check: NewDriftCheck = {
      ...finding,
      errorCode: finding.outcome === 'UNREACHABLE' ? (finding.errorCode ?? unread) : finding.errorCode,
      checkId: randomUUID(),
      releaseId,
      dueAt,
      checkedAt: this.clock(),
      generation,
      tolerance,
      seed,
      checkedBy: this.workerName,
    };
    return this.record(check, follow);
  }

  private draw(
    release: ReleaseFact,
    generation: number,
    { document: { controls, calibration } }: MeasurementProfile,
    seed: string,
  ): Promise<KnownSignal[]> {
    const { sourceDigest } = releaseSource(release, generation);
    const setIds = [controls.sampleSetId, calibration.sampleSetId];
    return this.known.draw({ sourceDigest, modelId: release.modelId, setIds }, this.settings.sample, seed);
  }

  /** Payloads that cannot be read now are no fault of the endpoint: it is not asked for them. */
  private async ask(
    { artifactDigest, modelId }: ReleaseFact,
    drawn: readonly KnownSignal[],
    signalKind: MeasurementProfile['document']['measurement']['signalKind'],
    { lastTry, onProgress }: Required<DriftTry>,
  ): Promise<{ readonly asked: AskedAgain; readonly unread: string | null }> {
    const known = Float64Array.from(drawn, ({ value }) => value);
    const now = new Float64Array(drawn.length).fill(NaN);
    const codes = new Array<string | undefined>(drawn.length).fill(undefined);
    const ids = drawn.map(({ sampleId }) => sampleId);
    let unread: string | null = null;
    const measureAll = async (runtime: ModelRuntime): Promise<void> => {
      for await (const { positions, batch, code } of this.samples.parts(modelId, ids, [...ids.keys()])) {
        if (batch === null) {
          unread = code;
          continue;
        }
        const measured = await measureBatch(runtime, batch, signalKind);
        positions.forEach((position, i) => {
          now[position] = measured.values[i]!;
          codes[position] = measured.codes[i];
        });
        onProgress();
      }
    };
    try {
      await this.withFreshRuntime(artifactDigest, measureAll);
    } catch (error) {
      if (!isOfTheEndpoint(error) || (error.retryable && !lastTry)) throw error;
      // Half an answer is none: what is missing would look like a difference.
      now.fill(NaN);
      codes.fill(error.code);
    }
    return { asked: { known, now, codes }, unread };
  }

  /** Not out of the pool: what answers now may describe itself otherwise. */
  private async withFreshRuntime(
    artifactDigest: string,
    work: (runtime: ModelRuntime) => Promise<void>,
  ): Promise<void> {
    const runtime = await this.runtimes.open(artifactDigest);
    try {
      await work(runtime);
    } finally {
      await runtime.dispose();
    }
  }

  private async record(check: NewDriftCheck, follow: (tx: Tx) => Promise<void>): Promise<RecordedDriftCheck> {
    let recorded: RecordedDriftCheck | undefined;
    await this.ledger.append({
      idempotency: null,
      events: [driftCheckEvent(check)],
      write: async (tx, { eventIndexes }) => {
        recorded = { ...check, eventIndex: eventIndexes[0]! };
        const isCurrent = (await this.checks.generation(check.releaseId, tx)) === check.generation;
        if (!isCurrent || !(await this.checks.insert(tx, recorded))) {
          throw new VerificationError(
            'VERIFICATION_DRIFT_CHECK_RACE',
            'another check of the release was recorded in the same moment',
            { retryable: true },
          );
        }
        if (check.outcome !== 'UNREACHABLE') await follow(tx);
        return null;
      },
    });
    return recorded!;
  }

  /** Harmless to repeat: the job has its id. */
  private async requestVerification(db: Queryable, id: string, job: PlanJob): Promise<void> {
    await this.queue.send(db, 'verification.plan', job, { id });
  }
}

const isOfTheEndpoint = (error: unknown): error is InferenceError =>
  error instanceof InferenceError && error.code.startsWith('RUNTIME_');

/** Every column of the row, so that an audit can compare them. */
function driftCheckEvent({ dueAt, checkedAt, ...check }: NewDriftCheck): EventDraft {
  return {
    type: DRIFT_CHECK_EVENT,
    subjectId: check.releaseId,
    content: { ...check, dueAt: dueAt.toISOString(), checkedAt: checkedAt.toISOString() },
  };
}
