/** What the measurement refuses; every code names bad input, never a bug of ours (that trips `invariant`). */
import { CodedError } from '@app/errors';

export type IamErrorCode =
  /** Two inputs that must run in parallel have different lengths. */
  | 'IAM_LENGTH_MISMATCH'
  /** A number that has to be finite is NaN or infinite. */
  | 'IAM_NOT_FINITE'
  /** A ROC figure was asked of scores that hold only positives or only negatives. */
  | 'IAM_ONE_CLASS_MISSING'
  /** A parameter lies outside its documented range. */
  | 'IAM_PARAMETER_OUT_OF_RANGE';

export class IamError extends CodedError<IamErrorCode> {}
