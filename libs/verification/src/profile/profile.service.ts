/** Freezes measurement profiles and reads them back. Proven by test/medium/verification-profile.spec.ts. */
import { randomUUID } from 'node:crypto';
import { checkParameters, type FrozenScale, type IamParameters, offlineInSignal } from '@app/iam';
import { CLOCK, type Clock, type JsonObject, LedgerService } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { Queue } from '@app/queue';
import { Inject, Injectable } from '@nestjs/common';
import { BlockFactsRepository } from '../block-facts.repository.js';
import { scoreSamples, transformAll } from '../block.js';
import { VerificationError } from '../errors.js';
import {
  FactsRepository,
  type ModelFact,
  type ReferenceFact,
  type SampleSetFact,
} from '../facts.repository.js';
import { INDEX_KEY, type Page, pageOf, type PageRequest, pageSize, readCursor } from '../page.js';
import { BLOCK_WIDTH, UNSCORABLE_SCORE } from '../plan.js';
import { PendingSignalsService } from '../live/pending-signals.service.js';
import { type SignalOrigin, SignalsService, type WantedSamples } from '../signals.service.js';
import { sendRequest } from '../verification-jobs.js';
import { requireSignals, ScaleBuilder } from './freeze.js';
import { type FreezeProfile, measurementOf, policyOf } from './freeze-settings.js';
import { ensureNullSizes, groupTestOf } from './null-sizes.js';
import { addSeparations, type Separation, separationOf } from './separation.js';
import {
  type Calibration,
  type DecisionSettings,
  formatProfile,
  type MeasurementProfile,
  type ProfileDocument,
  type ProfileReference,
} from './profile-document.js';
import { type ListedProfile, ProfileRepository } from './profile.repository.js';

/** A profile is about 50 kB parsed; a worker meets few of them. */
const CACHED_PROFILES = 16;

/** Everything that is known before signals are read. */
interface FreezePlan {
  readonly model: ModelFact;
  readonly measurement: IamParameters;
  readonly decision: DecisionSettings;
  readonly original: ProfileReference | null;
  readonly shadows: readonly ProfileReference[];
  readonly calibration: SampleSetFact;
  readonly controls: SampleSetFact;
}

interface References {
  readonly original: SignalOrigin | null;
  readonly shadows: readonly SignalOrigin[];
}

@Injectable()
export class ProfileService {
  private readonly cache = new Map<string, ListedProfile>();

  constructor(
    private readonly profiles: ProfileRepository,
    private readonly facts: FactsRepository,
    private readonly blocks: BlockFactsRepository,
    private readonly signals: SignalsService,
    private readonly pending: PendingSignalsService,
    private readonly ledger: LedgerService,
    private readonly queue: Queue,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Freezes, registers and returns a profile, and enqueues the verification of the releases that waited for it.
   * @throws VerificationError VERIFICATION_MODEL_UNKNOWN, _SET_UNKNOWN, _CLUSTERS_MISSING, _REFERENCE_MISSING, _SIGNALS_MISSING,
   *   _SIGNALS_PENDING (retryable), _POLICY_OUT_OF_RANGE, _PROFILE_EXISTS; IamError IAM_CALIBRATION_TOO_SMALL, IAM_PARAMETER_OUT_OF_RANGE,
   *   IAM_SCALE_DEGENERATE; LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async freeze(input: FreezeProfile, actor: string): Promise<MeasurementProfile> {
    const plan = await this.prepare(input);
    const { text, digest } = await this.measure(plan, input.offlineInSignal ?? null);
    const { idempotencyKey, ...content } = input;
    const profileId = randomUUID();
    const ordinal = await this.profiles.nextOrdinal(input.modelId);
    const frozenAt = this.clock();
    const written = await this.ledger.append({
      idempotency: {
        scope: `profile:${actor}`,
        key: idempotencyKey,
        content: JSON.parse(JSON.stringify(content)) as JsonObject,
      },
      events: [
        {
          type: 'profile-frozen',
          subjectId: profileId,
          content: {
            profileId,
            modelId: input.modelId,
            ordinal,
            digest,
            frozenAt: frozenAt.toISOString(),
          },
        },
      ],
      write: async (tx, placed) => {
        await this.refuseKnown(tx, digest);
        const eventIndex = placed.eventIndexes[0]!;
        await this.profiles.insert(tx, {
          profileId,
          modelId: input.modelId,
          ordinal,
          digest,
          text,
          frozenAt,
          eventIndex,
        });
        await this.planWaiting(tx, input.modelId);
        return { profileId };
      },
    });
    return this.get(written.profileId);
  }

  /** @throws VERIFICATION_PROFILE_UNKNOWN */
  async get(profileId: string): Promise<ListedProfile> {
    const cached = this.cache.get(profileId);
    if (cached) return cached;
    const profile = await this.profiles.find(profileId);
    if (!profile) throw new VerificationError('VERIFICATION_PROFILE_UNKNOWN', 'there is no such profile');
    if (this.cache.size >= CACHED_PROFILES) this.cache.delete(this.cache.keys().next().value!);
    this.cache.set(profileId, profile);
    return profile;
  }

  /** The profile that new verifications of the model use; null before the first is frozen. */
  async current(modelId: string): Promise<ListedProfile | null> {
    return (await this.profiles.current(modelId)) ?? null;
  }

  /** In order of freezing. */
  async list(modelId: string, page: PageRequest): Promise<Page<ListedProfile>> {
    const size = pageSize(page);
    const after = page.after === undefined ? null : BigInt(readCursor(page.after, INDEX_KEY));
    const rows = await this.profiles.list(modelId, after, size + 1);
    return pageOf(rows, size, ({ eventIndex }) => String(eventIndex));
  }

  private async prepare(input: FreezeProfile): Promise<FreezePlan> {
    const model = await this.facts.model(input.modelId);
    if (!model) throw new VerificationError('VERIFICATION_MODEL_UNKNOWN', 'there is no such model');
    const measurement = measurementOf(model, input);
    checkParameters(measurement);
    const policy = policyOf(input);
    const [calibration, controls] = await Promise.all([
      this.sampleSet(input.calibrationSetId, 'calibration', input.modelId),
      this.sampleSet(input.controlsSetId, 'controls', input.modelId),
    ]);
    const decision = { ...policy, groupTest: groupTestOf(input.groupTest, calibration, controls) };
    ensureNullSizes(decision, calibration, controls);
    return {
      model,
      measurement,
      decision,
      calibration,
      controls,
      ...(await this.chooseReferences(input, measurement.mode)),
    };
  }

  private async sampleSet(
    sampleSetId: string,
    role: SampleSetFact['role'],
    modelId: string,
  ): Promise<SampleSetFact> {
    const set = await this.facts.sampleSet(sampleSetId);
    if (set?.modelId === modelId && set.role === role) return set;
    throw new VerificationError('VERIFICATION_SET_UNKNOWN', `the model has no such sample set for ${role}`, {
      details: { role },
    });
  }

  private async chooseReferences(input: FreezeProfile, mode: IamParameters['mode']) {
    const known = await this.facts.references(input.modelId);
    const wanted = input.shadowReferenceIds;
    const shadows = known.filter(
      ({ role, referenceId }) => role === 'shadow' && (!wanted || wanted.includes(referenceId)),
    );
    const original = known.find(({ role }) => role === 'original') ?? null;
    const missing = (message: string) => new VerificationError('VERIFICATION_REFERENCE_MISSING', message);
    if (shadows.length === 0 || (wanted && shadows.length !== new Set(wanted).size)) {
      throw missing('a named shadow reference, or any at all, is missing; register it first');
    }
    const needsOriginal = mode === 'online' || input.offlineInSignal === undefined;
    if (needsOriginal && !original) {
      throw missing('the original reference is missing; register it, or measure offline with an IN signal');
    }
    return {
      original: needsOriginal && original ? describe(original) : null,
      shadows: shadows.map(describe),
    };
  }

  /** Reads every reference signal of both sets once (twice for a frozen calibration set) and writes the document. */
  private async measure(plan: FreezePlan, givenIn: number | null) {
    const { measurement, calibration, controls } = plan;
    const references = await this.originsOf(plan);
    await this.pending.refusePending(plan.model.modelId, references, [calibration, controls]);
    const offlineIn =
      measurement.mode === 'online'
        ? null
        : (givenIn ?? (await this.meanOriginal(plan, references.original!)));
    const perSample = { ...references, original: offlineIn === null ? references.original : null };
    const builder = new ScaleBuilder(measurement, offlineIn);
    const separation = {
      calibration: await this.gather(calibration, perSample, builder, measurement),
      controls: await this.gather(controls, perSample, builder, measurement),
    };
    const scale = builder.freeze();
    const document: Omit<ProfileDocument, 'scale'> = {
      version: 1,
      modelId: plan.model.modelId,
      measurement,
      decision: plan.decision,
      references: { original: plan.original, shadows: plan.shadows },
      calibration: await this.calibrate(plan, scale, perSample),
      controls: { sampleSetId: controls.sampleSetId, digest: controls.digest, size: controls.size },
      ...(perSample.original ? { separation } : {}),
    };
    return formatProfile(document, scale);
  }

  /** Gives the builder the reference signals of one set. */
  private async gather(
    set: SampleSetFact,
    references: References,
    builder: ScaleBuilder,
    measurement: IamParameters,
  ): Promise<Separation> {
    let separation: Separation = { known: 0, samples: 0 };
    for await (const samples of this.batches(set)) {
      const values = await this.signals.references(references, samples);
      builder.add(values);
      separation = addSeparations(separation, separationOf(values, measurement));
    }
    return separation;
  }

  private async calibrate(
    { calibration, measurement, decision }: FreezePlan,
    scale: FrozenScale,
    references: References,
  ): Promise<Calibration> {
    const { sampleSetId, digest, size, recordingId, trustedUnder } = calibration;
    if (recordingId === null || trustedUnder === null) {
      return { mode: 'same-release', sampleSetId, digest, size };
    }
    const scores: number[] = [];
    const trusted = { kind: 'recorded', recordingIds: [recordingId] } as const;
    for await (const samples of this.batches(calibration)) {
      const target = await this.signals.values(trusted, samples);
      const values = await this.signals.references(references, samples);
      scores.push(...scoreSamples(target, values, { parameters: measurement, scale }));
    }
    requireSignals('calibration', scores.filter((score) => score === UNSCORABLE_SCORE).length, size);
    return {
      mode: 'frozen',
      sampleSetId,
      digest,
      size,
      trustedUnder,
      recordingDigest: await this.facts.recordingDigest(recordingId),
      ...(await this.ascending(calibration, scores, decision)),
    };
  }

  /** The scores in ascending order, each with its cluster where those matter. */
  private async ascending(
    { sampleSetId, clusterCount }: SampleSetFact,
    scores: readonly number[],
    decision: DecisionSettings,
  ) {
    if (decision.groupTest === 'single-samples' || clusterCount === null) {
      return { scores: [...scores].sort((a, b) => a - b) };
    }
    const cluster = await this.facts.setClusters(sampleSetId);
    const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]! || cluster[a]! - cluster[b]!);
    return { scores: order.map((i) => scores[i]!), clusters: order.map((i) => cluster[i]!) };
  }

  /** Mean signal of the original model on samples it was trained on. */
  private async meanOriginal({ controls, measurement }: FreezePlan, original: SignalOrigin): Promise<number> {
    const signals = new Float64Array(controls.size);
    let filled = 0;
    for await (const samples of this.batches(controls)) {
      const values = await this.signals.values(original, samples);
      signals.set(transformAll(values, measurement), filled);
      filled += values.length;
    }
    requireSignals('reference', signals.filter(Number.isNaN).length, controls.size);
    return offlineInSignal([signals]);
  }

  private async originsOf({ original, shadows }: FreezePlan): Promise<References> {
    const originOf = ({ referenceId }: ProfileReference) => this.signals.origin(referenceId);
    return {
      original: original && (await originOf(original)),
      shadows: await Promise.all(shadows.map(originOf)),
    };
  }

  private async *batches({ sampleSetId, size }: SampleSetFact): AsyncGenerator<WantedSamples> {
    for (let from = 0; from < size; from += BLOCK_WIDTH) {
      const sampleIds = await this.blocks.setMembers(sampleSetId, from, BLOCK_WIDTH);
      yield { subjectId: sampleSetId, positions: sampleIds.map((_, i) => from + i), sampleIds };
    }
  }

  private async refuseKnown(tx: Tx, digest: string): Promise<void> {
    const profileId = await this.profiles.idOfDigest(tx, digest);
    if (profileId === undefined) return;
    throw new VerificationError('VERIFICATION_PROFILE_EXISTS', 'this very profile is frozen already', {
      details: { profileId },
    });
  }

  /** Releases that waited for a profile, and the current one, which a new profile measures anew. */
  private async planWaiting(tx: Tx, modelId: string): Promise<void> {
    const waiting = await this.facts.unverifiedReleases(modelId, tx);
    const current = await this.facts.currentRelease(modelId, tx);
    for (const releaseId of waiting) {
      await this.queue.send(tx, 'verification.plan', { releaseId, cause: 'release' });
    }
    if (current && !waiting.includes(current.releaseId))
      await sendRequest(this.queue, tx, current, { cause: 'operator', at: this.clock() });
  }
}

function describe({ referenceId, name, artifactDigest, runtime }: ReferenceFact): ProfileReference {
  const behindEndpoint = FIXED_RUNTIMES.has(runtime) ? {} : ({ behindEndpoint: true } as const);
  return { referenceId, name, artifactDigest, ...behindEndpoint };
}

/** What these say of a sample cannot change; all others are endpoints. */
const FIXED_RUNTIMES: ReadonlySet<string> = new Set(['recorded', 'onnx', 'tfjs']);
