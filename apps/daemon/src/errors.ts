import { CodedError } from '@app/errors';

export type DaemonErrorCode =
  | 'DAEMON_KEY_UNUSABLE'
  | 'DAEMON_KEY_REVOKED'
  | 'DAEMON_KEY_HISTORY_UNUSABLE'
  | 'DAEMON_ADDRESS_IN_USE'
  | 'DAEMON_SCHEDULE_INVALID'
  | 'DAEMON_WITNESS_POLICY_UNREADABLE'
  | 'REQUEST_MALFORMED'
  | 'REQUEST_TOO_LARGE'
  | 'REQUEST_UNSUPPORTED_MEDIA_TYPE'
  | 'NOT_FOUND'
  | 'GRAPHQL_INVALID'
  | 'GRAPHQL_TOO_DEEP'
  | 'GRAPHQL_TOO_COMPLEX'
  | 'GRAPHQL_TOO_LONG'
  | 'GRAPHQL_INPUT_INVALID';

/** What the daemon itself refuses, at start or at its edges; the libs' own codes pass through unchanged. */
export class DaemonError extends CodedError<DaemonErrorCode> {}
