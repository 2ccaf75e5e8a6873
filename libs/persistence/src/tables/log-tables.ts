import type { ColumnType } from 'kysely';
import type { Filled, Fixed } from './append-only.js';

export interface LogTable {
  log_id: Filled<number>;
  origin: Fixed<string>;
  kind: Fixed<'commitments' | 'events'>;
  model_id: Fixed<string | null>;
  created_at: Filled<Date>;
}

export interface LogHeadTable {
  log_id: Fixed<number>;
  next_index: ColumnType<bigint, bigint, bigint>;
}

export interface EntryTable {
  log_id: Fixed<number>;
  leaf_index: Fixed<bigint>;
  leaf: Fixed<Uint8Array>;
  leaf_hash: Fixed<Uint8Array>;
  appended_at: Filled<Date>;
}

export interface TileTable {
  log_id: Fixed<number>;
  level: Fixed<number>;
  tile_index: Fixed<bigint>;
  width: Fixed<number>;
  hashes: Fixed<Uint8Array>;
}

export interface CheckpointTable {
  log_id: Fixed<number>;
  tree_size: Fixed<bigint>;
  root_hash: Fixed<Uint8Array>;
  note: Fixed<string>;
  signed_at: Fixed<Date>;
}

export interface CheckpointCosignatureTable {
  log_id: Fixed<number>;
  tree_size: Fixed<bigint>;
  key_name: Fixed<string>;
  key_id: Fixed<bigint>;
  line: Fixed<string>;
  received_at: Fixed<Date>;
}

export interface CheckpointPublicationTable {
  log_id: Fixed<number>;
  tree_size: Fixed<bigint>;
  published_at: Fixed<Date>;
}

export interface IdempotencyKeyTable {
  scope: Fixed<string>;
  key: Fixed<string>;
  content_digest: Fixed<Uint8Array>;
  response: Fixed<unknown>;
  created_at: Filled<Date>;
}

export interface EventTable {
  leaf_index: Fixed<bigint>;
  type: Fixed<string>;
  subject_id: Fixed<string>;
  content: Fixed<string>;
  salt: Fixed<Uint8Array>;
}

export interface CommitmentTable {
  log_id: Fixed<number>;
  leaf_index: Fixed<bigint>;
  request_id: Fixed<string>;
  position: Fixed<number>;
}

/** Gone once the request is erased. */
export interface CommitmentOpeningTable {
  log_id: Fixed<number>;
  leaf_index: Fixed<bigint>;
  sample_id: Fixed<string>;
  content: Fixed<string>;
  salt: Fixed<Uint8Array>;
}
