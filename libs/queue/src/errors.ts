import { CodedError } from '@app/errors';

export type QueueErrorCode =
  /** The daemon that migrates the database has not made all queues yet. */
  | 'QUEUE_SCHEMA_OLDER'
  /** The queues were made by a newer version of Lacuna. */
  | 'QUEUE_SCHEMA_NEWER';

/** Anything that keeps a process from giving or taking jobs; the message says what to do about it. */
export class QueueError extends CodedError<QueueErrorCode> {}
