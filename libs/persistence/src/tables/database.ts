import type { Kysely, Transaction } from 'kysely';
import type {
  CheckpointCosignatureTable,
  CheckpointPublicationTable,
  CheckpointTable,
  CommitmentOpeningTable,
  CommitmentTable,
  EntryTable,
  EventTable,
  IdempotencyKeyTable,
  LogHeadTable,
  LogTable,
  TileTable,
} from './log-tables.js';
import type {
  ArtifactChunkTable,
  ArtifactFileTable,
  ArtifactRecordingTable,
  ArtifactTable,
  DeletionRequestTable,
  ErasedSignalsTable,
  ErasureTable,
  ModelTable,
  ProfileTable,
  RecordedSignalTable,
  RecordingTable,
  ReferenceTable,
  ReleaseSupersessionTable,
  ReleaseTable,
  ReleaseWithdrawalTable,
  RequestSubjectTable,
  SampleSetMemberTable,
  SampleSetTable,
} from './registry-tables.js';
import type { VaultContentTable, VaultItemTable, VaultSegmentTable } from './vault-tables.js';
import type {
  AttestationTable,
  DriftCheckTable,
  ErrorBudgetSpendTable,
  RecurrenceTable,
  RequestResultTable,
  ResultBlockTable,
  ScheduleRunTable,
  ScoreBlockTable,
  SignalBlockTable,
  VerificationOutcomeTable,
  VerificationProgressTable,
  VerificationTable,
} from './verification-tables.js';

/** Every table of the schema `lacuna`. Each is written by one repository only; see the libs' READMEs. */
export interface Tables {
  log: LogTable;
  log_head: LogHeadTable;
  entry: EntryTable;
  tile: TileTable;
  checkpoint: CheckpointTable;
  checkpoint_cosignature: CheckpointCosignatureTable;
  checkpoint_publication: CheckpointPublicationTable;
  idempotency_key: IdempotencyKeyTable;
  event: EventTable;
  commitment: CommitmentTable;
  commitment_opening: CommitmentOpeningTable;
  recording: RecordingTable;
  recorded_signal: RecordedSignalTable;
  model: ModelTable;
  reference: ReferenceTable;
  release: ReleaseTable;
  release_withdrawal: ReleaseWithdrawalTable;
  release_supersession: ReleaseSupersessionTable;
  /** A view: releases that are neither withdrawn nor superseded. */
  live_release: ReleaseTable;
  artifact: ArtifactTable;
  artifact_file: ArtifactFileTable;
  artifact_chunk: ArtifactChunkTable;
  artifact_recording: ArtifactRecordingTable;
  sample_set: SampleSetTable;
  sample_set_member: SampleSetMemberTable;
  profile: ProfileTable;
  deletion_request: DeletionRequestTable;
  request_subject: RequestSubjectTable;
  erasure: ErasureTable;
  erased_signals: ErasedSignalsTable;
  verification: VerificationTable;
  verification_progress: VerificationProgressTable;
  score_block: ScoreBlockTable;
  signal_block: SignalBlockTable;
  verification_outcome: VerificationOutcomeTable;
  result_block: ResultBlockTable;
  request_result: RequestResultTable;
  attestation: AttestationTable;
  error_budget_spend: ErrorBudgetSpendTable;
  recurrence: RecurrenceTable;
  drift_check: DriftCheckTable;
  schedule_run: ScheduleRunTable;
  vault_segment: VaultSegmentTable;
  vault_content: VaultContentTable;
  vault_item: VaultItemTable;
}

export type Database = Kysely<Tables>;
/** A transaction, or the pool where none is needed. */
export type Queryable = Database | Transaction<Tables>;
export type Tx = Transaction<Tables>;
