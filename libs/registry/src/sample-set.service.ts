/**
 * Calibration sets and controls. A calibration sample was never trained on, a control still is, a committed sample
 * was once: the first excludes the other two. Both directions are checked inside the append transaction under the
 * lock of the model's commitment log, which registering a set and filing a request both take. Proven by
 * test/medium/registry-sample-sets.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RecordingService } from '@app/inference';
import { CLOCK, type Clock, LedgerService } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { z } from 'zod';
import { ArtifactRecordingService } from './artifact-recording.service.js';
import { RegistryError } from './errors.js';
import { refuseAmongFilings } from './filing-marker.js';
import {
  found,
  idempotencyKey,
  isUuid,
  name,
  parseActor,
  parseInput,
  MAX_LISTED_SAMPLES,
  parseModelId,
  printable,
  sampleId,
  uuid,
} from './input.js';
import { ModelService } from './model.service.js';
import type { Page, PageRequest } from './page.js';
import { clusterMembers, requireSameSamples, sampleClusters } from './sample-clusters.js';
import { compareCodePoints, sampleSetDigest, type SampleSetMember } from './sample-set-digest.js';
import { type MemberSource, type SampleSet, SampleSetRepository } from './sample-set.repository.js';
import { violates } from './unique-violation.js';
import { VerificationTrigger } from './verification-trigger.service.js';

const sampleSetInput = z
  .strictObject({
    modelId: uuid,
    role: z.enum(['calibration', 'controls']),
    name,
    /** With `trustedUnder`: ids and frozen values. Without: only the ids count. */
    recordingId: uuid.nullish(),
    trustedUnder: printable(200).nullish(),
    sampleIds: z.array(sampleId).min(1).max(MAX_LISTED_SAMPLES).nullish(),
    clusters: sampleClusters.nullish(),
    idempotencyKey,
  })
  .refine(({ recordingId, sampleIds, clusters }) => Boolean(recordingId ?? clusters) !== Boolean(sampleIds), {
    message:
      'give either recordingId or sampleIds, or clusters (which name the samples) with or without recordingId',
    path: ['sampleIds'],
  })
  .refine((input) => !input.trustedUnder || (input.role === 'calibration' && input.recordingId), {
    message: 'only a calibration set with a recording is frozen under a trusted release',
    path: ['trustedUnder'],
  });
export type SampleSetInput = z.input<typeof sampleSetInput>;

@Injectable()
export class SampleSetService {
  constructor(
    private readonly sets: SampleSetRepository,
    private readonly models: ModelService,
    private readonly artifacts: ArtifactRecordingService,
    private readonly recordings: RecordingService,
    private readonly trigger: VerificationTrigger,
    private readonly ledger: LedgerService,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Registers a calibration set or controls; the order of the samples does not matter.
   * @throws RegistryError REGISTRY_INPUT_INVALID, REGISTRY_NOT_FOUND, REGISTRY_SIGNAL_KIND_MISMATCH,
   *   REGISTRY_DUPLICATE_SAMPLE, REGISTRY_CLUSTERS_INVALID, REGISTRY_NAME_TAKEN, REGISTRY_SETS_OVERLAP,
   *   REGISTRY_CALIBRATION_COMMITTED;
   *   InferenceError RECORDING_NOT_FOUND; LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async register(input: SampleSetInput, actor: string): Promise<SampleSet> {
    parseActor(actor);
    const parsed = parseInput(sampleSetInput, input);
    const { modelId, role, idempotencyKey: key } = parsed;
    const model = await this.models.get(modelId);
    if (parsed.recordingId) await this.artifacts.ofKind(parsed.recordingId, model);
    const { source, digest, size } = await this.readMembers(parsed);
    const trustedUnder = parsed.trustedUnder ?? null;
    const recordingId = trustedUnder === null ? null : (parsed.recordingId ?? null);
    const clusterCount = parsed.clusters?.length ?? null;
    const content = { modelId, role, name: parsed.name, digest, clusterCount, recordingId, trustedUnder };
    const sampleSetId = randomUUID();
    const registeredAt = this.clock();
    const row = { sampleSetId, ...content, size };
    try {
      const stored = await this.ledger.append({
        idempotency: { scope: 'sample-set', key, content },
        // No commitments, but the lock on their log: see the head of this file.
        commitments: [{ modelId, requestId: sampleSetId, items: [] }],
        events: [
          {
            type: 'sample-set-registered',
            subjectId: sampleSetId,
            content: { ...row, registeredAt: registeredAt.toISOString() },
          },
        ],
        write: async (tx, placed) => {
          await refuseAmongFilings(tx);
          const set = { ...row, registeredAt, eventIndex: placed.eventIndexes[0]! };
          await this.sets.insert(tx, set, source);
          await this.refuseCollisions(tx, set);
          await this.trigger.forReferenceSignals(tx, modelId);
          return { sampleSetId };
        },
      });
      return await this.get(stored.sampleSetId);
    } catch (error) {
      if (!violates(error, 'sample_set_model_id_name_key')) throw error;
      throw new RegistryError('REGISTRY_NAME_TAKEN', 'the model has a sample set of this name already', {
        cause: error,
      });
    }
  }

  /** @throws RegistryError REGISTRY_NOT_FOUND */
  async get(sampleSetId: string): Promise<SampleSet> {
    const [set] = isUuid(sampleSetId) ? await this.sets.find([sampleSetId]) : [];
    return found(set, 'sample set');
  }

  /** Those of `sampleSetIds` that exist, in no particular order. */
  getMany(sampleSetIds: readonly string[]): Promise<readonly SampleSet[]> {
    return this.sets.find(sampleSetIds.filter(isUuid));
  }

  /** In the order of registration; of one model or of all (null). */
  async list(modelId: string | null, request: PageRequest): Promise<Page<SampleSet>> {
    return this.sets.list(modelId === null ? null : parseModelId(modelId), request);
  }

  /** All members in order of position, which is code point order. @throws RegistryError REGISTRY_NOT_FOUND */
  async sampleIdsOfSet(sampleSetId: string): Promise<string[]> {
    await this.get(sampleSetId);
    const sampleIds: string[] = [];
    for await (const { sampleId: id } of this.sets.allMembers(sampleSetId)) sampleIds.push(id);
    return sampleIds;
  }

  /** The members at positions [from, from + limit), in order. */
  membersOf(sampleSetId: string, from: number, limit: number): Promise<string[]> {
    return this.sets.members(sampleSetId, from, limit);
  }

  private async readMembers(
    input: z.output<typeof sampleSetInput>,
  ): Promise<{ source: MemberSource; digest: string; size: number }> {
    const listed = input.clusters
      ? clusterMembers(input.clusters)
      : input.sampleIds?.map((id) => ({ sampleId: id, clusterId: null }));
    const recordingId = input.recordingId;
    if (!listed) {
      const rows = this.recordings.rows(recordingId!);
      return { source: { recordingId: recordingId! }, ...(await sampleSetDigest(singly(rows))) };
    }
    refuseRepeated(listed);
    if (recordingId) await requireSameSamples(listed, this.recordings.rows(recordingId));
    const members = listed.sort((a, b) => compareCodePoints(a.sampleId, b.sampleId));
    return { source: { members }, ...(await sampleSetDigest(members)) };
  }

  private async refuseCollisions(tx: Tx, set: SampleSet): Promise<void> {
    const { otherRole, committed } = await this.sets.collisions(tx, set);
    if (otherRole) {
      throw new RegistryError(
        'REGISTRY_SETS_OVERLAP',
        'the set shares samples with the calibration set or the controls: no sample is both untrained and trained on',
      );
    }
    if (committed && set.role === 'calibration') {
      throw new RegistryError(
        'REGISTRY_CALIBRATION_COMMITTED',
        'the set holds samples that a deletion request names: those were trained on once',
      );
    }
  }
}

async function* singly(rows: AsyncIterable<{ sampleId: string }>): AsyncGenerator<SampleSetMember> {
  for await (const { sampleId: id } of rows) yield { sampleId: id, clusterId: null };
}

function refuseRepeated(members: readonly SampleSetMember[]): void {
  const seen = new Set<string>();
  for (const [position, { sampleId: id }] of members.entries()) {
    if (seen.has(id)) {
      throw new RegistryError(
        'REGISTRY_DUPLICATE_SAMPLE',
        `the sample at position ${position} (from 0) of all that are listed is named before`,
        { details: { position } },
      );
    }
    seen.add(id);
  }
}
