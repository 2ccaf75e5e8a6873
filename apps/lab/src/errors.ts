import { CodedError } from '@app/errors';

export type LabErrorCode =
  | 'LAB_DATA_MISSING'
  | 'LAB_DATA_UNUSABLE'
  | 'LAB_DATA_TOO_SMALL'
  | 'LAB_TRAINING_FAILED'
  | 'LAB_BACKEND_MISSING';

export class LabError extends CodedError<LabErrorCode> {}
