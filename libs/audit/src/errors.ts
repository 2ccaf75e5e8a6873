import { CodedError } from '@app/errors';

export type AuditErrorCode =
  /** The key set has no active key that signs checkpoints. */
  | 'AUDIT_KEY_MISSING'
  /** A file of kept checkpoints cannot be read, or holds something else. */
  | 'AUDIT_KEPT_UNUSABLE';

export class AuditError extends CodedError<AuditErrorCode> {}
