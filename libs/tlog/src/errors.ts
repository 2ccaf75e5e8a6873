/**
 * The one error class of this library. Callers switch on `code`; the message is for people and holds no key,
 * no entry and no sample. Everything a stranger can hand us (notes, tiles, proofs, policies) fails with one of
 * these codes and with nothing else, which fuzz.spec.ts holds the parsers to.
 */
import { CodedError } from '@app/errors';

export type TlogErrorCode =
  /** An index, size or width outside what the tree has. */
  | 'TLOG_OUT_OF_RANGE'
  /** A hash that is not 32 bytes, or a list of hashes that cannot belong to the stated tree size. */
  | 'TLOG_HASHES_MALFORMED'
  /** The inclusion proof does not lead from the leaf to the root. */
  | 'TLOG_INCLUSION_BROKEN'
  /** The consistency proof does not show the older tree as a prefix of the newer one. */
  | 'TLOG_CONSISTENCY_BROKEN'
  | 'TLOG_TILE_PATH_MALFORMED'
  /** Tile bytes of a length that no tile of that width has, or a reader that returned another number of tiles. */
  | 'TLOG_TILE_MALFORMED'
  | 'TLOG_ENTRY_BUNDLE_MALFORMED'
  /** An entry above 65,535 bytes cannot be written into an entry bundle. */
  | 'TLOG_ENTRY_TOO_LARGE'
  | 'TLOG_NOTE_MALFORMED'
  /** A signature whose key name and key id are known does not verify: the whole note is refused. */
  | 'TLOG_NOTE_SIGNATURE_INVALID'
  /** No signature by a known key. */
  | 'TLOG_NOTE_UNSIGNED'
  | 'TLOG_KEY_MALFORMED'
  /** A signature type this library reserves but does not implement. */
  | 'TLOG_KEY_UNSUPPORTED'
  | 'TLOG_CHECKPOINT_MALFORMED'
  /** A well signed checkpoint of another log. */
  | 'TLOG_CHECKPOINT_ORIGIN_MISMATCH'
  | 'TLOG_COSIGNATURE_MALFORMED'
  | 'TLOG_WITNESS_MALFORMED'
  | 'TLOG_WITNESS_LOG_UNKNOWN'
  /** The request's old size is not the size the witness cosigned last (details.treeSize holds that size). */
  | 'TLOG_WITNESS_CONFLICT'
  /** Same size, other root: the log shows two histories. */
  | 'TLOG_WITNESS_FORK'
  | 'TLOG_POLICY_MALFORMED'
  | 'TLOG_POLICY_UNMET'
  | 'TLOG_PROOF_MALFORMED'
  /** A value that JSON cannot hold exactly: NaN, undefined, bigint, a class instance, a lone surrogate. */
  | 'TLOG_JSON_UNREPRESENTABLE'
  | 'TLOG_LEAF_MALFORMED'
  /** The salt or the content does not open the leaf's commitment. */
  | 'TLOG_LEAF_OPENING_BROKEN';

export class TlogError extends CodedError<TlogErrorCode> {}
