/**
 * Reference models: the original (IN, at most one for each model) and shadows (OUT). Proven by
 * test/medium/registry-artifacts.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import { z } from 'zod';
import type { AttachedRecording } from './artifact-recording.repository.js';
import { ArtifactRecordingService, type RecordedArtifact } from './artifact-recording.service.js';
import {
  ArtifactSourceService,
  namesSource,
  refuseRecordingOf,
  SOURCE_RULE,
  sourceFields,
} from './artifact-source.service.js';
import { RegistryError } from './errors.js';
import { found, idempotencyKey, isUuid, name, parseActor, parseInput, parseModelId, uuid } from './input.js';
import { ModelService } from './model.service.js';
import type { Page, PageRequest } from './page.js';
import { type Reference, ReferenceRepository } from './reference.repository.js';
import { violates } from './unique-violation.js';
import { VerificationTrigger } from './verification-trigger.service.js';

const referenceInput = z
  .strictObject({
    modelId: uuid,
    role: z.enum(['original', 'shadow']),
    name,
    ...sourceFields,
    idempotencyKey,
  })
  .refine(namesSource, SOURCE_RULE);
export type ReferenceInput = z.input<typeof referenceInput>;

const recordingInput = z.strictObject({ referenceId: uuid, recordingId: uuid, idempotencyKey });
export type ReferenceRecordingInput = z.input<typeof recordingInput>;

@Injectable()
export class ReferenceService {
  constructor(
    private readonly references: ReferenceRepository,
    private readonly models: ModelService,
    private readonly recordings: ArtifactRecordingService,
    private readonly sources: ArtifactSourceService,
    private readonly trigger: VerificationTrigger,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Registers a reference, with its first recorded signals or as a stored artifact. A recorded shadow may name only samples that are known.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NOT_FOUND, REGISTRY_SIGNAL_KIND_MISMATCH,
   *   REGISTRY_UNKNOWN_SAMPLE, REGISTRY_SOURCE_AMBIGUOUS, REGISTRY_NAME_TAKEN, REGISTRY_ARTIFACT_MISMATCH, REGISTRY_ORIGINAL_TAKEN;
   *   InferenceError RECORDING_NOT_FOUND, ARTIFACT_NOT_FOUND; LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async register(input: ReferenceInput, actor: string): Promise<Reference> {
    parseActor(actor);
    const { idempotencyKey: key, ...named } = parseInput(referenceInput, input);
    const { modelId, role, name: referenceName } = named;
    const rest = { modelId, role, name: referenceName };
    const model = await this.models.get(rest.modelId);
    const referenceId = randomUUID();
    const artifact = { artifactId: referenceId, model, introducesSamples: rest.role === 'original' };
    const source = await this.sources.of(named, artifact);
    const { artifactDigest, runtime, binding, recordingId } = source;
    const registeredAt = this.clock();
    const row = { referenceId, ...rest, artifactDigest, runtime };
    try {
      const stored = await this.ledger.append({
        idempotency: {
          scope: 'reference',
          key,
          content: { ...rest, recordingId, artifactDigest },
        },
        events: [
          {
            type: 'reference-registered',
            subjectId: referenceId,
            content: {
              ...row,
              ...(binding === null ? {} : { binding }),
              registeredAt: registeredAt.toISOString(),
            },
          },
          ...this.sources.drafts(referenceId, source),
        ],
        write: async (tx, placed) => {
          const [eventIndex, ...attachIndexes] = placed.eventIndexes;
          await this.references.insert(tx, { ...row, registeredAt, eventIndex: eventIndex! });
          await this.sources.insert(tx, referenceId, source, attachIndexes);
          await this.trigger.forReferenceSignals(tx, modelId);
          return { referenceId };
        },
      });
      return await this.get(stored.referenceId);
    } catch (error) {
      throw await this.refusal(error, row);
    }
  }

  /**
   * Attaches signals of samples that came later; the model's current release is verified again.
   * @throws as {@link register}, and REGISTRY_DUPLICATE_SAMPLE for a sample that is recorded already,
   *   REGISTRY_NOT_RECORDED where signals are measured here
   */
  async addRecording(input: ReferenceRecordingInput, actor: string): Promise<AttachedRecording> {
    parseActor(actor);
    const { referenceId, recordingId, idempotencyKey: key } = parseInput(recordingInput, input);
    const { modelId, role, runtime } = await this.get(referenceId);
    refuseRecordingOf({ runtime });
    const model = await this.models.get(modelId);
    const artifact: RecordedArtifact = {
      artifactId: referenceId,
      model,
      introducesSamples: role === 'original',
    };
    return this.recordings.attach({
      artifact,
      recordingId,
      idempotencyKey: key,
      afterwards: (tx) => this.trigger.forCurrentRelease(tx, modelId, 'signals'),
    });
  }

  /** @throws RegistryError REGISTRY_NOT_FOUND */
  async get(referenceId: string): Promise<Reference> {
    const [reference] = isUuid(referenceId) ? await this.references.find([referenceId]) : [];
    return found(reference, 'reference');
  }

  /** Those of `referenceIds` that exist, in no particular order. */
  getMany(referenceIds: readonly string[]): Promise<readonly Reference[]> {
    return this.references.find(referenceIds.filter(isUuid));
  }

  /** In the order of registration; of one model or of all (null). */
  async list(modelId: string | null, request: PageRequest): Promise<Page<Reference>> {
    return this.references.list(modelId === null ? null : parseModelId(modelId), request);
  }

  private async refusal(
    error: unknown,
    row: Pick<Reference, 'modelId' | 'name' | 'artifactDigest'>,
  ): Promise<unknown> {
    if (violates(error, 'reference_one_original')) {
      return new RegistryError('REGISTRY_ORIGINAL_TAKEN', 'the model has an original reference already', {
        cause: error,
      });
    }
    if (!violates(error, 'reference_model_id_name_key')) return error;
    const known = await this.references.findByName(row.modelId, row.name);
    return nameRefusal('reference', known?.artifactDigest === row.artifactDigest, error);
  }
}

/** The refusal of a second artifact under a name: a plain repetition, or a changed artifact. */
export function nameRefusal(
  kind: 'reference' | 'release',
  sameArtifact: boolean,
  cause: unknown,
): RegistryError {
  return sameArtifact
    ? new RegistryError('REGISTRY_NAME_TAKEN', `the model has a ${kind} of this name already`, { cause })
    : new RegistryError(
        'REGISTRY_ARTIFACT_MISMATCH',
        `the model has a ${kind} of this name with another artifact; a changed artifact needs a new name`,
        { cause },
      );
}
