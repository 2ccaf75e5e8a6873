import { CodedError } from '@app/errors';

export type AccessErrorCode =
  | 'AUTH_TOKEN_MISSING'
  | 'AUTH_TOKEN_INVALID'
  | 'AUTH_TOKEN_EXPIRED'
  | 'AUTH_ROLE_MISSING'
  | 'AUTH_ROLE_UNKNOWN'
  | 'AUTH_TTL_OUT_OF_RANGE'
  | 'AUTH_KEYS_UNAVAILABLE'
  | 'AUTH_SETTINGS_INCOMPLETE'
  | 'AUTH_HOST_NOT_LOOPBACK'
  | 'SECRET_FILE_UNUSABLE';

/** Who may do what, and why not; no message holds a token or a key. */
export class AccessError extends CodedError<AccessErrorCode> {}
