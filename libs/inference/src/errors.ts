import { CodedError } from '@app/errors';

/** What can be wrong with a file of recorded signals; `details.line` (1 = first) wherever one line is to blame. */
export type InferenceErrorCode =
  /** The line is no row: syntax, missing field, forbidden sample id, not UTF-8, or a value that is no number. */
  | 'RECORDING_MALFORMED_LINE'
  /** A number outside its kind's range: loss >= 0 and finite, probability in [0, 1]. */
  | 'RECORDING_VALUE_OUT_OF_RANGE'
  /** A column or field says `loss` in a recording of probabilities, or the other way round. */
  | 'RECORDING_KIND_MISMATCH'
  /** A sample named twice; details: line (the later one), firstLine. */
  | 'RECORDING_DUPLICATE_SAMPLE'
  /** More bytes than allowed, after decompression; details: maxBytes. */
  | 'RECORDING_TOO_LARGE'
  /** No row at all. */
  | 'RECORDING_EMPTY'
  /** A gzip stream that is cut off or damaged. */
  | 'RECORDING_COMPRESSION_BROKEN'
  /** No recording has this id. */
  | 'RECORDING_NOT_FOUND';

/** A recording that cannot be taken or found. Nothing of a refused file is kept. */
export class InferenceError extends CodedError<InferenceErrorCode> {}
