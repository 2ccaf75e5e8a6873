import type { ColumnType } from 'kysely';
import type { Filled, Fixed } from './append-only.js';

export type VerificationCause = 'release' | 'commitments' | 'schedule' | 'operator' | 'signals' | 'renewal';
export type VerificationStatus = 'PLANNED' | 'SCORING' | 'CONCLUDING' | 'CONCLUDED' | 'ATTESTED' | 'FAILED';
/** What a drift check found: the known signals again, other ones, or nobody to ask. */
export const DRIFT_OUTCOMES = ['SAME', 'DIFFERENT', 'UNREACHABLE'] as const;
export type DriftOutcome = (typeof DRIFT_OUTCOMES)[number];
export type VerificationResult = 'PASSED' | 'FAILED' | 'INCONCLUSIVE';

export interface VerificationTable {
  verification_id: Fixed<string>;
  release_id: Fixed<string>;
  generation: Fixed<number>;
  profile_id: Fixed<string>;
  tree_size: Fixed<bigint>;
  cause: Fixed<VerificationCause>;
  requested_at: Fixed<Date>;
}

export interface ScoreBlockTable {
  release_id: Fixed<string>;
  generation: Fixed<number>;
  profile_id: Fixed<string>;
  subject: Fixed<string>;
  block_index: Fixed<number>;
  width: Fixed<number>;
  inputs: Fixed<Uint8Array>;
  scores: Fixed<Uint8Array>;
  unscorable: Fixed<number>;
  signals_read: Fixed<number>;
  forward_passes: Fixed<number>;
  computed_by: Fixed<string>;
  computed_at: Fixed<Date>;
}

export interface SignalBlockTable {
  source_digest: Fixed<Uint8Array>;
  subject_id: Fixed<string>;
  block_index: Fixed<number>;
  width: Fixed<number>;
  values: Fixed<Uint8Array>;
  unscorable: Fixed<number>;
  /** Positions `[from, to)` by error code. */
  reasons: Fixed<Readonly<Record<string, readonly (readonly [number, number])[]>>>;
  backend: Fixed<string>;
  forward_passes: Fixed<number>;
  computed_by: Fixed<string>;
  computed_at: Fixed<Date>;
}

export interface VerificationOutcomeTable {
  verification_id: Fixed<string>;
  result: Fixed<VerificationResult>;
  result_root: Fixed<Uint8Array>;
  summary: Fixed<unknown>;
  concluded_at: Fixed<Date>;
}

export interface ResultBlockTable {
  verification_id: Fixed<string>;
  block_index: Fixed<number>;
  leaves: Fixed<string>;
}

export interface RequestResultTable {
  verification_id: Fixed<string>;
  request_id: Fixed<string>;
  verdict: Fixed<string>;
  sample_count: Fixed<number>;
  statistic: Fixed<number | null>;
  p_residual: Fixed<number | null>;
  p_member: Fixed<number | null>;
  p_over: Fixed<number | null>;
}

export interface AttestationTable {
  attestation_id: Fixed<string>;
  verification_id: Fixed<string>;
  model_id: Fixed<string>;
  ordinal: Fixed<number>;
  jws: Fixed<string>;
  dsse: Fixed<string>;
  digest: Fixed<Uint8Array>;
  previous_digest: Fixed<Uint8Array | null>;
  issued_at: Fixed<Date>;
  expires_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface ErrorBudgetSpendTable {
  release_id: Fixed<string>;
  verification_id: Fixed<string>;
  rule: Fixed<string>;
  target: Fixed<number>;
  horizon: Fixed<number>;
  epoch: Fixed<number>;
  place: Fixed<number>;
  alarms_before: Fixed<number>;
  p_value: Fixed<number>;
  level: Fixed<number>;
  alarm: Fixed<boolean>;
  spent_at: Fixed<Date>;
}

export interface RecurrenceTable {
  recurrence_id: Fixed<string>;
  model_id: Fixed<string>;
  request_id: Fixed<string>;
  verification_id: Fixed<string>;
  first_bad_release: Fixed<string>;
  last_clean_release: Fixed<string>;
  unclear_releases: Fixed<readonly string[]>;
  detected_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

export interface DriftCheckTable {
  check_id: Fixed<string>;
  release_id: Fixed<string>;
  due_at: Fixed<Date>;
  checked_at: Fixed<Date>;
  generation: Fixed<number>;
  outcome: Fixed<DriftOutcome>;
  sampled: Fixed<number>;
  differing: Fixed<number>;
  largest_difference: Fixed<number | null>;
  tolerance: Fixed<number>;
  error_code: Fixed<string | null>;
  seed: Fixed<Uint8Array>;
  checked_by: Fixed<string>;
  event_index: Fixed<bigint>;
}

type Changing<T> = ColumnType<T, T | undefined, T>;

/** Running state, not evidence: this one may be updated. */
export interface VerificationProgressTable {
  verification_id: Fixed<string>;
  status: ColumnType<VerificationStatus>;
  blocks_total: Changing<number>;
  blocks_done: Changing<number>;
  blocks_reused: Changing<number>;
  signals_read: Changing<bigint>;
  forward_passes: Changing<bigint>;
  samples_total: Changing<bigint>;
  samples_done: Changing<bigint>;
  samples_reused: Changing<bigint>;
  target_passes: Changing<bigint>;
  reference_passes: Changing<bigint>;
  signals_reused: Changing<bigint>;
  error_code: Changing<string | null>;
  error_message: Changing<string | null>;
  started_at: Changing<Date | null>;
  finished_at: Changing<Date | null>;
}

export interface ScheduleRunTable {
  schedule: Fixed<string>;
  due_at: Fixed<Date>;
  ran_at: Filled<Date>;
  summary: Fixed<unknown>;
}
