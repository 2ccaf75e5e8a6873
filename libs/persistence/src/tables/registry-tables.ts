import type { Fixed } from './append-only.js';

type SignalKind = 'probability' | 'loss';

export interface RecordingTable {
  recording_id: Fixed<string>;
  digest: Fixed<Uint8Array>;
  signal_kind: Fixed<SignalKind>;
  row_count: Fixed<number>;
  uploaded_by: Fixed<string>;
  uploaded_at: Fixed<Date>;
}

export interface RecordedSignalTable {
  recording_id: Fixed<string>;
  sample_id: Fixed<string>;
  line: Fixed<number>;
  value: Fixed<number>;
}

export interface ModelTable {
  model_id: Fixed<string>;
  name: Fixed<string>;
  signal_kind: Fixed<SignalKind>;
  registered_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface ReferenceTable {
  reference_id: Fixed<string>;
  model_id: Fixed<string>;
  role: Fixed<'original' | 'shadow'>;
  name: Fixed<string>;
  artifact_digest: Fixed<Uint8Array>;
  runtime: Fixed<string>;
  registered_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface ReleaseTable {
  release_id: Fixed<string>;
  model_id: Fixed<string>;
  ordinal: Fixed<number>;
  name: Fixed<string>;
  artifact_digest: Fixed<Uint8Array>;
  runtime: Fixed<string>;
  committed_before: Fixed<bigint>;
  registered_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

/** Why a release was withdrawn; the table's constraint has the same words. */
export const WITHDRAWAL_REASONS = [
  'RESIDUE_FOUND',
  'DEFECTIVE',
  'LEGAL_ORDER',
  'RETIRED',
  'REGISTERED_IN_ERROR',
] as const;
export type WithdrawalReason = (typeof WITHDRAWAL_REASONS)[number];

export interface ReleaseWithdrawalTable {
  release_id: Fixed<string>;
  reason: Fixed<WithdrawalReason>;
  withdrawn_by: Fixed<string>;
  withdrawn_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface ReleaseSupersessionTable {
  release_id: Fixed<string>;
  successor_id: Fixed<string>;
  superseded_by: Fixed<string>;
  superseded_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface ArtifactTable {
  artifact_digest: Fixed<Uint8Array>;
  manifest: Fixed<string>;
  stored_by: Fixed<string>;
  stored_at: Fixed<Date>;
}

export interface ArtifactFileTable {
  artifact_digest: Fixed<Uint8Array>;
  path: Fixed<string>;
  sha256: Fixed<Uint8Array>;
  size_bytes: Fixed<bigint>;
}

export interface ArtifactChunkTable {
  sha256: Fixed<Uint8Array>;
  part: Fixed<number>;
  bytes: Fixed<Uint8Array>;
}

export interface ArtifactRecordingTable {
  artifact_id: Fixed<string>;
  part: Fixed<number>;
  recording_id: Fixed<string>;
  event_index: Fixed<bigint>;
}

export interface SampleSetTable {
  sample_set_id: Fixed<string>;
  model_id: Fixed<string>;
  role: Fixed<'calibration' | 'controls'>;
  name: Fixed<string>;
  size: Fixed<number>;
  digest: Fixed<Uint8Array>;
  /** Null: registered without clusters. */
  cluster_count: Fixed<number | null>;
  recording_id: Fixed<string | null>;
  trusted_under: Fixed<string | null>;
  registered_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface SampleSetMemberTable {
  sample_set_id: Fixed<string>;
  position: Fixed<number>;
  sample_id: Fixed<string>;
  cluster_id: Fixed<string | null>;
}

export interface ProfileTable {
  profile_id: Fixed<string>;
  model_id: Fixed<string>;
  ordinal: Fixed<number>;
  digest: Fixed<Uint8Array>;
  document: Fixed<string>;
  frozen_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface DeletionRequestTable {
  request_id: Fixed<string>;
  regime: Fixed<string>;
  received_at: Fixed<Date>;
  due_at: Fixed<Date>;
  filed_by: Fixed<string>;
  filed_at: Fixed<Date>;
  sample_count: Fixed<number>;
}

/** Gone once the request is erased. */
export interface RequestSubjectTable {
  request_id: Fixed<string>;
  subject: Fixed<string>;
  filed_scope: Fixed<string | null>;
  filed_key: Fixed<string | null>;
}

/** Why a request was erased; the table's constraint has the same words. */
export const ERASURE_REASONS = [
  'SUBJECT_REQUEST',
  'RETENTION_ENDED',
  'LEGAL_ORDER',
  'FILED_IN_ERROR',
] as const;
export type ErasureReason = (typeof ERASURE_REASONS)[number];

export interface ErasureTable {
  erasure_id: Fixed<string>;
  request_id: Fixed<string>;
  reason: Fixed<ErasureReason>;
  erased_by: Fixed<string>;
  erased_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface ErasedSignalsTable {
  erasure_id: Fixed<string>;
  recording_id: Fixed<string>;
  rows_erased: Fixed<number>;
  rows_left: Fixed<number>;
  digest_left: Fixed<Uint8Array>;
}
