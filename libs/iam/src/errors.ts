import { CodedError } from '@app/errors';

/** What a caller of the measurement can do wrong. A value from a model never throws: it becomes unscorable. */
export type IamErrorCode =
  /** The calibration set is too small for the profile's alpha; details: have, need. */
  | 'IAM_CALIBRATION_TOO_SMALL'
  /** Arrays whose lengths do not belong together. */
  | 'IAM_LENGTH_MISMATCH'
  /** A number that must be finite here is not: unscorable samples are left out before. */
  | 'IAM_NOT_FINITE'
  /** Only members or only non-members were given where both are needed (also: nothing was given). */
  | 'IAM_ONE_CLASS_MISSING'
  /** A setting (epsilon, level count, rate, likelihood) outside what the formula allows. */
  | 'IAM_PARAMETER_OUT_OF_RANGE'
  /** A level of the reference set has no spread, so no likelihood can be fitted there. */
  | 'IAM_SCALE_DEGENERATE'
  /** Offline measurement needs one IN value for all samples, the one in the profile. */
  | 'IAM_OFFLINE_IN_INVALID'
  /** A serialised scale or moments object that this library cannot have written. */
  | 'IAM_FORMAT_INVALID'
  /** A score that is not a number in [0, 1] was about to leave the library. */
  | 'IAM_SCORE_INVALID';

export class IamError extends CodedError<IamErrorCode> {}
