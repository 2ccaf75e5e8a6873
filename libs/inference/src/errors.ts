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
  | 'RECORDING_NOT_FOUND'
  | SampleErrorCode
  | ArtifactErrorCode
  | RuntimeErrorCode;

/**
 * What can be wrong with a sample; where it came in a file of samples, `details.line` (1 = first) of a text or
 * `details.index` (0 = first) of an .npz file.
 */
export type SampleErrorCode =
  /** No sample: syntax, unknown or missing field, a number out of range; details: field (of an .npz file, the array). */
  | 'SAMPLE_MALFORMED'
  /** More bytes than allowed, after decompression; details: maxBytes. */
  | 'SAMPLE_UPLOAD_TOO_LARGE'
  /** A gzip stream that is cut off or damaged. */
  | 'SAMPLE_COMPRESSION_BROKEN'
  /** An .npz file that is no whole zip archive: cut short, damaged, encrypted, not compressed as numpy does. */
  | 'SAMPLE_ARCHIVE_BROKEN'
  /**
   * An array of an .npz file as a whole: missing, there twice, or of another dtype, order, shape or length than is taken;
   * details: array, where its name can be said. Also an array that comes alone.
   */
  | 'SAMPLE_ARRAY_REFUSED'
  /** No sample at all. */
  | 'SAMPLE_UPLOAD_EMPTY'
  /** What the vault holds is no sample that this version knows. */
  | 'SAMPLE_PAYLOAD_BROKEN'
  /** The sample is kept by its owner and was not fetched. */
  | 'SAMPLE_NOT_FETCHED'
  /** The operator has not allowed this host for kept samples, or its address is never allowed. */
  | 'SAMPLE_HOST_FORBIDDEN'
  /** The owner's server could not be reached in time, broke off or is overloaded (retryable). */
  | 'SAMPLE_HOST_UNAVAILABLE'
  /** The owner's server refused, redirected, or gave something else than what was promised; details: status. */
  | 'SAMPLE_HOST_REFUSED'
  /** What was fetched does not have the pinned digest or size. */
  | 'SAMPLE_DIGEST_MISMATCH';

/** What can be wrong with an artifact: a model as files, or an endpoint as declared. */
export type ArtifactErrorCode =
  /** A field of the declaration breaks its rule; details: field. */
  | 'ARTIFACT_DECLARATION_INVALID'
  /** `entry` names no file of the upload. */
  | 'ARTIFACT_ENTRY_MISSING'
  /** A member of the archive is not taken: a link, a device, a path out of it, a second one of its name, too many. */
  | 'ARTIFACT_ARCHIVE_UNSAFE'
  /** The upload is no whole tar archive. */
  | 'ARTIFACT_ARCHIVE_BROKEN'
  /** The files are larger than allowed. */
  | 'ARTIFACT_TOO_LARGE'
  /** No artifact has this digest. */
  | 'ARTIFACT_NOT_FOUND'
  /** The stored files are not what was uploaded. */
  | 'ARTIFACT_CONTENT_BROKEN';

/**
 * What can go wrong while a model runs, here or behind an endpoint. Where `details.positions` (0-based, comma-separated)
 * is given, the named samples of the batch are to blame and the others are fine.
 */
export type RuntimeErrorCode =
  /** The model cannot be loaded: truncated or foreign file, unknown operator, no such output, a file that it names missing. */
  | 'RUNTIME_MODEL_BROKEN'
  /** The samples do not fit the model: name, shape, dtype, label out of range, form (tensors, tokens, text). */
  | 'RUNTIME_INPUT_MISMATCH'
  /** The output does not fit its declaration: shape, dtype, number of samples, rows that are no probabilities. */
  | 'RUNTIME_OUTPUT_MISMATCH'
  /** NaN or infinity in the output; details: positions. */
  | 'RUNTIME_OUTPUT_NOT_FINITE'
  /** This kind of signal cannot be had from this kind of model; says which can. */
  | 'RUNTIME_SIGNAL_UNSUPPORTED'
  /** More memory than allowed or present. */
  | 'RUNTIME_OUT_OF_MEMORY'
  /** A batch took longer than its limit; details: timeoutMs. */
  | 'RUNTIME_TIMEOUT'
  /** The process that ran the model ended by itself; details: exit (status or signal). */
  | 'RUNTIME_PROCESS_DIED'
  /** The runtime was disposed of: it must be opened again. */
  | 'RUNTIME_DISPOSED'
  /** What runs the model is not there for now: package, backend or files absent here, endpoint down, overloaded or cut off. */
  | 'RUNTIME_UNAVAILABLE'
  /** The operator has not allowed this host for endpoints, or its address is never allowed. */
  | 'RUNTIME_ENDPOINT_FORBIDDEN'
  /** The endpoint answered with a 4xx or a redirect; details: status. */
  | 'RUNTIME_ENDPOINT_REFUSED'
  /** The endpoint's answer does not follow its protocol: not JSON, missing fields, wrong lengths, too large. */
  | 'RUNTIME_RESPONSE_BROKEN';

/** Signals that cannot be had: a recording that cannot be taken or found, or a model that cannot be run. */
export class InferenceError extends CodedError<InferenceErrorCode> {}

/** Places in the batch of the samples that an error blames, in order; empty where it blames none. */
export function positionsOf(error: InferenceError): number[] {
  const { positions } = error.details;
  return typeof positions === 'string' && positions !== '' ? positions.split(',').map(Number) : [];
}
