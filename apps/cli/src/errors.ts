import { CodedError } from '@app/errors';

export type CliErrorCode =
  | 'CLI_FILE_UNREADABLE'
  | 'CLI_FILE_UNWRITABLE'
  | 'CLI_FOLDER_UNWRITABLE'
  | 'CLI_KEYS_UNREACHABLE'
  | 'CLI_FLAGS_INVALID'
  | 'CLI_LOG_UNREACHABLE'
  | 'CLI_TIME_INVALID'
  | 'CLI_DATA_UNUSABLE'
  | 'CLI_API_REFUSED'
  | 'CLI_IMPORT_BROKEN'
  | 'CLI_PROCESS_ENDED'
  | 'CLI_TIMEOUT'
  | 'CLI_DAEMON_UNKNOWN'
  | 'CLI_FILE_EMPTY'
  | 'CLI_COLUMN_MISSING'
  | 'CLI_LINE_MALFORMED';

export class CliError extends CodedError<CliErrorCode> {}
