import type { ColumnType } from 'kysely';
import type { Fixed } from './append-only.js';

export interface VaultSegmentTable {
  segment_id: Fixed<string>;
  model_id: Fixed<string>;
  sample_count: Fixed<number>;
  digest: Fixed<Uint8Array>;
  stored_at: Fixed<Date>;
  event_index: Fixed<bigint>;
}

/** Not append-only: what it holds can be wrapped again and destroyed. */
export interface VaultContentTable {
  segment_id: Fixed<string>;
  key_id: string;
  wrapped_key: Uint8Array;
  data_keys: Uint8Array;
  ciphertexts: Uint8Array;
  item_digests: Fixed<Uint8Array>;
  erased_count: ColumnType<number, number | undefined, number>;
}

export interface VaultItemTable {
  model_id: Fixed<string>;
  sample_id: Fixed<string>;
  segment_id: Fixed<string>;
  slot: Fixed<number>;
  start: Fixed<number>;
  length: Fixed<number>;
}
