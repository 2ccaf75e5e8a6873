/**
 * Recorded signals as parts of a release or reference: checked before, attached with an event, never replaced.
 * The checks run before the append because nothing can make them untrue later: recordings and kinds are fixed, known
 * samples only grow, and a part that somebody else attached in between takes this one's number, so that the check runs again.
 * Proven by test/medium/registry-artifacts.spec.ts.
 */
import { Injectable } from '@nestjs/common';
import { type Recording, RecordingService } from '@app/inference';
import { type EventDraft, LedgerService } from '@app/ledger';
import type { Tx } from '@app/persistence';
import { type AttachedRecording, ArtifactRecordingRepository } from './artifact-recording.repository.js';
import { RegistryError } from './errors.js';
import { isUuid } from './input.js';
import type { Model } from './model.repository.js';
import { untilPlaced } from './unique-violation.js';

/** The artifact a recording is meant for. */
export interface RecordedArtifact {
  readonly artifactId: string;
  readonly model: Model;
  /** The original reference introduces samples; every other artifact may only name known ones. */
  readonly introducesSamples: boolean;
}

export interface AttachOperation {
  readonly artifact: RecordedArtifact;
  readonly recordingId: string;
  readonly idempotencyKey: string;
  /** What follows from new signals, in the same transaction. */
  readonly afterwards: (tx: Tx) => Promise<void>;
}

@Injectable()
export class ArtifactRecordingService {
  constructor(
    private readonly parts: ArtifactRecordingRepository,
    private readonly recordings: RecordingService,
    private readonly ledger: LedgerService,
  ) {}

  /** The recordings of a release or reference in the order they came; empty for an unknown id. */
  async recordingsOfArtifact(artifactId: string): Promise<readonly AttachedRecording[]> {
    return isUuid(artifactId) ? this.parts.of(artifactId) : [];
  }

  /**
   * The recording, if it may hold signals of this artifact.
   * @throws InferenceError RECORDING_NOT_FOUND; RegistryError REGISTRY_SIGNAL_KIND_MISMATCH, REGISTRY_UNKNOWN_SAMPLE
   */
  async usable(recordingId: string, artifact: RecordedArtifact): Promise<Recording> {
    const recording = await this.ofKind(recordingId, artifact.model);
    if (artifact.introducesSamples) return recording;
    const line = await this.parts.firstUnknown(recordingId, artifact.model.modelId);
    if (line === null) return recording;
    throw new RegistryError(
      'REGISTRY_UNKNOWN_SAMPLE',
      `line ${line} names a sample that neither the original reference nor a sample set nor a deletion request introduced`,
      { details: { line } },
    );
  }

  /** @throws InferenceError RECORDING_NOT_FOUND; RegistryError REGISTRY_SIGNAL_KIND_MISMATCH */
  async ofKind(recordingId: string, model: Model): Promise<Recording> {
    const recording = await this.recordings.get(recordingId);
    if (recording.signalKind === model.signalKind) return recording;
    throw new RegistryError(
      'REGISTRY_SIGNAL_KIND_MISMATCH',
      `the recording holds ${recording.signalKind} values, the model is measured by ${model.signalKind}`,
      { details: { expected: model.signalKind, found: recording.signalKind } },
    );
  }

  /** The event of a recording that becomes part `part` of an artifact. */
  draft(artifactId: string, part: number, recordingId: string): EventDraft {
    return { type: 'recording-attached', subjectId: artifactId, content: { artifactId, part, recordingId } };
  }

  insert(tx: Tx, attached: AttachedRecording): Promise<void> {
    return this.parts.insert(tx, attached);
  }

  /**
   * Attaches one more recording to a registered artifact.
   * @throws as {@link usable}, and REGISTRY_DUPLICATE_SAMPLE, LedgerError LEDGER_IDEMPOTENCY_CONFLICT
   */
  async attach(operation: AttachOperation): Promise<AttachedRecording> {
    const { artifact, recordingId, idempotencyKey: key, afterwards } = operation;
    const { artifactId } = artifact;
    await this.usable(recordingId, artifact);
    const stored = await untilPlaced('artifact_recording_pkey', async () => {
      const part = (await this.parts.of(artifactId)).length;
      const again = await this.parts.firstRecordedAgain(artifactId, recordingId);
      return this.ledger.append({
        idempotency: { scope: 'recording', key, content: { artifactId, recordingId } },
        events: [this.draft(artifactId, part, recordingId)],
        write: async (tx, placed) => {
          // Not before: the repeat of an attachment finds its own samples, and is answered without coming here.
          if (again !== null) throw recordedAgain(again);
          await this.insert(tx, { artifactId, part, recordingId, eventIndex: placed.eventIndexes[0]! });
          await afterwards(tx);
          return { part };
        },
      });
    });
    return (await this.parts.of(artifactId))[stored.part]!;
  }
}

function recordedAgain(line: number): RegistryError {
  return new RegistryError(
    'REGISTRY_DUPLICATE_SAMPLE',
    `line ${line} names a sample whose signal is recorded already; signals of an artifact never change`,
    { details: { line } },
  );
}
