import { CodedError } from '@app/errors';

export type VerificationErrorCode =
  | 'VERIFICATION_MODEL_UNKNOWN'
  | 'VERIFICATION_RELEASE_UNKNOWN'
  | 'VERIFICATION_UNKNOWN'
  | 'VERIFICATION_REQUEST_UNKNOWN'
  /** What opened its commitments was destroyed: no bundle can be made any more; older ones stay valid. */
  | 'VERIFICATION_REQUEST_ERASED'
  | 'VERIFICATION_CURSOR_INVALID'
  /** A profile setting outside its range; details.setting names it. */
  | 'VERIFICATION_POLICY_OUT_OF_RANGE'
  /** The set does not exist, belongs to another model or has another role. */
  | 'VERIFICATION_SET_UNKNOWN'
  /** Whole clusters are to be compared and the set of details.role has none. */
  | 'VERIFICATION_CLUSTERS_MISSING'
  /** No original reference (online), no shadow reference, or one that is not of this model. */
  | 'VERIFICATION_REFERENCE_MISSING'
  /** Calibration or control samples lack signals; details: missing, of. */
  | 'VERIFICATION_SIGNALS_MISSING'
  /** Signals of live references on the sets are being computed; retryable; details: missing, of (blocks). */
  | 'VERIFICATION_SIGNALS_PENDING'
  /** A stored block of signals is not what it says. */
  | 'VERIFICATION_SIGNALS_CORRUPT'
  | 'VERIFICATION_PROFILE_UNKNOWN'
  /** The same profile is frozen already; details.profileId. */
  | 'VERIFICATION_PROFILE_EXISTS'
  /** A stored profile is not what its digest says. */
  | 'VERIFICATION_PROFILE_CORRUPT'
  /** The commitment log has no checkpoint of the needed size yet. */
  | 'VERIFICATION_CHECKPOINT_MISSING'
  /** A larger tree of the model was attested in between, or the release's endpoint changed; it is verified again. */
  | 'VERIFICATION_SUPERSEDED'
  /** A stored result or score does not fit its verification. */
  | 'VERIFICATION_RESULTS_CORRUPT'
  | 'VERIFICATION_NOT_ATTESTED'
  | 'VERIFICATION_ATTESTATION_UNKNOWN'
  /** Another attestation of the model was appended first. */
  | 'VERIFICATION_ATTESTATION_RACE'
  /** Another drift check of the release was recorded first. */
  | 'VERIFICATION_DRIFT_CHECK_RACE';

export class VerificationError extends CodedError<VerificationErrorCode> {}
