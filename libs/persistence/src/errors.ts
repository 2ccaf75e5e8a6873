import { CodedError } from '@app/errors';

export type PersistenceErrorCode =
  | 'PERSISTENCE_DIRECTORY_HELD'
  | 'PERSISTENCE_DIRECTORY_UNUSABLE'
  | 'PERSISTENCE_BINARY_MISSING'
  | 'PERSISTENCE_START_FAILED'
  | 'PERSISTENCE_NOT_RUNNING'
  | 'PERSISTENCE_UNREACHABLE'
  | 'PERSISTENCE_SCHEMA_NEWER'
  | 'PERSISTENCE_SCHEMA_OLDER'
  | 'PERSISTENCE_MIGRATION_CHANGED'
  | 'PERSISTENCE_MIGRATION_FAILED';

/** Anything that keeps Lacuna from a usable database; the message says what to do about it. */
export class PersistenceError extends CodedError<PersistenceErrorCode> {}
