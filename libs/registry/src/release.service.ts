/**
 * Releases: registering one asks for its verification in the same transaction. Proven by
 * test/medium/registry-releases.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { z } from 'zod';
import type { AttachedRecording } from './artifact-recording.repository.js';
import { ArtifactRecordingService } from './artifact-recording.service.js';
import {
  type ArtifactSource,
  ArtifactSourceService,
  namesSource,
  refuseRecordingOf,
  SOURCE_RULE,
  sourceFields,
} from './artifact-source.service.js';
import { found, idempotencyKey, isUuid, name, parseActor, parseInput, parseModelId, uuid } from './input.js';
import { ModelService } from './model.service.js';
import type { Page, PageRequest } from './page.js';
import { nameRefusal } from './reference.service.js';
import { type Release, ReleaseRepository } from './release.repository.js';
import { untilPlaced, violates } from './unique-violation.js';
import { VerificationTrigger } from './verification-trigger.service.js';

const releaseInput = z
  .strictObject({ modelId: uuid, name, ...sourceFields, idempotencyKey })
  .refine(namesSource, SOURCE_RULE);
export type ReleaseInput = z.input<typeof releaseInput>;
type ParsedRelease = Pick<z.output<typeof releaseInput>, 'modelId' | 'name' | 'idempotencyKey'>;

const recordingInput = z.strictObject({ releaseId: uuid, recordingId: uuid, idempotencyKey });
export type ReleaseRecordingInput = z.input<typeof recordingInput>;

@Injectable()
export class ReleaseService {
  constructor(
    private readonly releases: ReleaseRepository,
    private readonly models: ModelService,
    private readonly recordings: ArtifactRecordingService,
    private readonly sources: ArtifactSourceService,
    private readonly trigger: VerificationTrigger,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Registers a release, with its first recorded signals or as a stored artifact, and enqueues its verification.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NOT_FOUND, REGISTRY_SIGNAL_KIND_MISMATCH,
   *   REGISTRY_UNKNOWN_SAMPLE, REGISTRY_SOURCE_AMBIGUOUS, REGISTRY_NAME_TAKEN, REGISTRY_ARTIFACT_MISMATCH, REGISTRY_CONTENDED;
   *   InferenceError RECORDING_NOT_FOUND, ARTIFACT_NOT_FOUND; LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async register(input: ReleaseInput, actor: string): Promise<Release> {
    parseActor(actor);
    const parsed = parseInput(releaseInput, input);
    const model = await this.models.get(parsed.modelId);
    const source = await this.sources.of(parsed, { artifactId: '', model, introducesSamples: false });
    const { modelId, name: releaseName } = parsed;
    try {
      const { releaseId } = await untilPlaced('release_model_id_ordinal_key', () =>
        this.append(parsed, source),
      );
      return await this.get(releaseId);
    } catch (error) {
      if (!violates(error, 'release_model_id_name_key')) throw error;
      const known = await this.releases.findByName(modelId, releaseName);
      throw nameRefusal('release', known?.artifactDigest === source.artifactDigest, error);
    }
  }

  /**
   * Attaches signals of samples that came later and enqueues a verification of the release.
   * @throws as {@link register}, and REGISTRY_DUPLICATE_SAMPLE for a sample that is recorded already,
   *   REGISTRY_NOT_RECORDED where signals are measured here
   */
  async addRecording(input: ReleaseRecordingInput, actor: string): Promise<AttachedRecording> {
    parseActor(actor);
    const { releaseId, recordingId, idempotencyKey: key } = parseInput(recordingInput, input);
    const { modelId, runtime } = await this.get(releaseId);
    refuseRecordingOf({ runtime });
    return this.recordings.attach({
      artifact: {
        artifactId: releaseId,
        model: await this.models.get(modelId),
        introducesSamples: false,
      },
      recordingId,
      idempotencyKey: key,
      afterwards: (tx) => this.trigger.forRelease(tx, releaseId, 'signals'),
    });
  }

  /** @throws RegistryError REGISTRY_NOT_FOUND */
  async get(releaseId: string): Promise<Release> {
    const [release] = isUuid(releaseId) ? await this.releases.find([releaseId]) : [];
    return found(release, 'release');
  }

  /** Those of `releaseIds` that exist, in no particular order. */
  getMany(releaseIds: readonly string[]): Promise<readonly Release[]> {
    return this.releases.find(releaseIds.filter(isUuid));
  }

  /** The model's newest release that is neither withdrawn nor superseded, or null while it has none. */
  async currentRelease(modelId: string): Promise<Release | null> {
    return isUuid(modelId) ? ((await this.releases.current(modelId)) ?? null) : null;
  }

  /** The current releases of those of `modelIds` that have one, in no particular order. */
  currentReleases(modelIds: readonly string[]): Promise<readonly Release[]> {
    return this.releases.currentOf(modelIds.filter(isUuid));
  }

  /** In the order of registration; of one model or of all (null). */
  async list(modelId: string | null, request: PageRequest): Promise<Page<Release>> {
    return this.releases.list(modelId === null ? null : parseModelId(modelId), request);
  }

  private async append(release: ParsedRelease, source: ArtifactSource): Promise<{ releaseId: string }> {
    const { idempotencyKey: key, modelId, name: releaseName } = release;
    const { artifactDigest, runtime, binding, recordingId } = source;
    const content = { modelId, name: releaseName, artifactDigest };
    const releaseId = randomUUID();
    const registeredAt = this.clock();
    const log = await this.ledger.commitmentLog(modelId);
    const committedBefore = await this.ledger.nextIndex(log.logId);
    const ordinal = await this.releases.nextOrdinal(modelId);
    const row = { releaseId, ...content, ordinal, runtime };
    return this.ledger.append({
      idempotency: { scope: 'release', key, content: { ...content, recordingId } },
      // No commitments, but the lock on their log: whoever commits next sees this release and asks for its verification.
      commitments: [{ modelId, requestId: releaseId, items: [] }],
      events: [
        {
          type: 'release-registered',
          subjectId: releaseId,
          content: {
            ...row,
            ...(binding === null ? {} : { binding }),
            committedBefore: String(committedBefore),
            registeredAt: registeredAt.toISOString(),
          },
        },
        ...this.sources.drafts(releaseId, source),
      ],
      write: async (tx, placed) => {
        const [eventIndex, ...attachIndexes] = placed.eventIndexes;
        await this.releases.insert(tx, { ...row, committedBefore, registeredAt, eventIndex: eventIndex! });
        await this.sources.insert(tx, releaseId, source, attachIndexes);
        await this.trigger.forRelease(tx, releaseId, 'release');
        return { releaseId };
      },
    });
  }
}
