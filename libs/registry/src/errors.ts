import { CodedError } from '@app/errors';

export type RegistryErrorCode =
  /** No model, reference, sample set, release or deletion request has this id; details: entity. */
  | 'REGISTRY_NOT_FOUND'
  /** A field breaks its rule; details: field. */
  | 'REGISTRY_INPUT_INVALID'
  /** Another one of this kind has the name already (model: everywhere; else: within its model). */
  | 'REGISTRY_NAME_TAKEN'
  /** The name is known with another artifact: a release or reference never changes. */
  | 'REGISTRY_ARTIFACT_MISMATCH'
  /** The model has an original reference already. */
  | 'REGISTRY_ORIGINAL_TAKEN'
  /** A recording is of another kind than its model's signals. */
  | 'REGISTRY_SIGNAL_KIND_MISMATCH'
  /** A recording names a sample nobody introduced; details: line. */
  | 'REGISTRY_UNKNOWN_SAMPLE'
  /** A sample twice in one request or set (details: position), or already recorded for this artifact (details: line). */
  | 'REGISTRY_DUPLICATE_SAMPLE'
  /** The clusters of a set name other samples than its recording; details: unclustered, unrecorded. */
  | 'REGISTRY_CLUSTERS_INVALID'
  /** Calibration set and controls of a model share a sample. */
  | 'REGISTRY_SETS_OVERLAP'
  /** A sample would be both calibration (never trained on) and committed (trained on once). */
  | 'REGISTRY_CALIBRATION_COMMITTED'
  /** A line of an import is no JSON, not UTF-8 or too long; details: line. */
  | 'REGISTRY_IMPORT_MALFORMED_LINE'
  /** More bytes in one upload than allowed, after decompression; details: maxBytes. */
  | 'REGISTRY_IMPORT_TOO_LARGE'
  /** A gzip stream that is cut off or damaged. */
  | 'REGISTRY_IMPORT_COMPRESSION_BROKEN'
  /** An import without a line. */
  | 'REGISTRY_IMPORT_EMPTY'
  /** The import key stands for another file; details: line, where they differ. */
  | 'REGISTRY_IMPORT_CONFLICT'
  /** Recorded signals for a release or reference whose signals are measured here. */
  | 'REGISTRY_NOT_RECORDED'
  /** A recording together with an artifact that is stored here: its signals would be both handed in and measured. */
  | 'REGISTRY_SOURCE_AMBIGUOUS'
  /** A sample is stored already with other content; details: line or index. Samples never change: give it another id. */
  | 'REGISTRY_SAMPLE_MISMATCH'
  /** The release is withdrawn already: said once and for good. */
  | 'REGISTRY_RELEASE_WITHDRAWN'
  /** The release is superseded already. */
  | 'REGISTRY_RELEASE_SUPERSEDED'
  /** The successor cannot take a release's place; details.why: itself, other-model, withdrawn or superseded. */
  | 'REGISTRY_SUCCESSOR_UNUSABLE'
  /** Too many others registered at the same moment; try again. */
  | 'REGISTRY_CONTENDED';

/** A registration or question that cannot be answered; nothing of a refused registration is kept. */
export class RegistryError extends CodedError<RegistryErrorCode> {}
