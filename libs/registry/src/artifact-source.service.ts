/**
 * Where the signals of a release or reference will come from: a recording that was handed over, or an artifact that is run
 * here. Decides what its row and its event say of it. Proven by test/medium/registry-live.spec.ts.
 */
import { Injectable } from '@nestjs/common';
import { type ArtifactBinding, ArtifactStore } from '@app/inference';
import type { EventDraft } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { z } from 'zod';
import { ArtifactRecordingService, type RecordedArtifact } from './artifact-recording.service.js';
import { RegistryError } from './errors.js';
import { sha256, uuid } from './input.js';
import type { Model } from './model.repository.js';
import { RECORDED_RUNTIME } from './runtime-name.js';

/** Fields of an input that names an artifact: a recording (then the digest is what the caller says of it), or a stored one. */
export const sourceFields = { artifactDigest: sha256.nullish(), recordingId: uuid.nullish() };

export const namesSource = ({ artifactDigest, recordingId }: SourceInput): boolean =>
  Boolean(artifactDigest ?? recordingId);

export const SOURCE_RULE = {
  message: 'give the recordingId of recorded signals, or the artifactDigest of a stored artifact',
  path: ['recordingId'],
};

interface SourceInput {
  readonly artifactDigest?: string | null | undefined;
  readonly recordingId?: string | null | undefined;
}

/** What is written down of it. */
export interface ArtifactSource {
  readonly artifactDigest: string;
  readonly runtime: string;
  /** Stands in the event only, because it follows from the runtime; null for recorded signals, which bind numbers. */
  readonly binding: ArtifactBinding | null;
  readonly recordingId: string | null;
}

/** Of the schema of {@link sourceFields}. */
export type ParsedSource = z.output<z.ZodObject<typeof sourceFields>>;

@Injectable()
export class ArtifactSourceService {
  constructor(
    private readonly recordings: ArtifactRecordingService,
    private readonly artifacts: ArtifactStore,
  ) {}

  /**
   * @throws InferenceError RECORDING_NOT_FOUND, ARTIFACT_NOT_FOUND; RegistryError REGISTRY_SIGNAL_KIND_MISMATCH,
   *   REGISTRY_UNKNOWN_SAMPLE
   */
  async of(
    { recordingId, artifactDigest }: ParsedSource,
    artifact: RecordedArtifact,
  ): Promise<ArtifactSource> {
    if (recordingId) {
      const recording = await this.recordings.usable(recordingId, artifact);
      const digest = artifactDigest ?? recording.digest;
      return { artifactDigest: digest, runtime: RECORDED_RUNTIME, binding: null, recordingId };
    }
    const { declaration, binding, artifactDigest: digest } = await this.artifacts.get(artifactDigest!);
    refuseForeignSignals(declaration.kind, artifact.model);
    return { artifactDigest: digest, runtime: declaration.kind, binding, recordingId: null };
  }

  /** With a recording, the digest says of what it was recorded: somewhere else, of something that is not stored here. */
  private async refuseStored(artifactDigest: string): Promise<void> {
    if ((await this.artifacts.getMany([artifactDigest])).length === 0) return;
    throw new RegistryError(
      'REGISTRY_SOURCE_AMBIGUOUS',
      'the artifact is stored here and would be run: give its artifactDigest or a recordingId, not both',
    );
  }

  /** The event that follows a registration: its first recording, where there is one. */
  drafts(artifactId: string, { recordingId }: ArtifactSource): readonly EventDraft[] {
    return recordingId === null ? [] : [this.recordings.draft(artifactId, 0, recordingId)];
  }

  /**
   * Only here, and not in {@link of}, is looked whether the artifact is stored: who repeats a registration gets its answer,
   * also when somebody stored the artifact in between.
   * @param eventIndexes of {@link drafts}
   * @throws RegistryError REGISTRY_SOURCE_AMBIGUOUS
   */
  async insert(
    tx: Tx,
    artifactId: string,
    { artifactDigest, recordingId }: ArtifactSource,
    eventIndexes: readonly bigint[],
  ): Promise<void> {
    if (recordingId === null) return;
    await this.refuseStored(artifactDigest);
    await this.recordings.insert(tx, { artifactId, part: 0, recordingId, eventIndex: eventIndexes[0]! });
  }
}

/** @throws RegistryError REGISTRY_NOT_RECORDED */
export function refuseRecordingOf({ runtime }: { readonly runtime: string }): void {
  if (runtime === RECORDED_RUNTIME) return;
  throw new RegistryError(
    'REGISTRY_NOT_RECORDED',
    'its signals are measured here; recorded signals belong to releases and references that came with a recording',
  );
}

/** A language model gives losses only, a classifier both kinds of signal. */
function refuseForeignSignals(kind: string, { signalKind }: Model): void {
  if (kind !== 'openai-completions' || signalKind === 'loss') return;
  throw new RegistryError(
    'REGISTRY_SIGNAL_KIND_MISMATCH',
    `a language model gives losses, the model is measured by ${signalKind}`,
    { details: { expected: signalKind, found: 'loss' } },
  );
}
