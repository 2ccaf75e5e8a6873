import { CodedError } from '@app/errors';

export type LedgerErrorCode =
  | 'LEDGER_IDEMPOTENCY_CONFLICT'
  /** What was filed under this idempotency key has been erased; it is never filed again under it. */
  | 'LEDGER_CONTENT_ERASED'
  | 'LEDGER_OVERLOADED'
  | 'LEDGER_STOPPING'
  | 'LEDGER_LOG_UNKNOWN'
  /** The database's logs were made under another name; details: name, given. */
  | 'LEDGER_NAME_CHANGED'
  | 'LEDGER_INDEX_UNKNOWN'
  | 'LEDGER_NOT_INTEGRATED'
  | 'LEDGER_ROLLED_BACK'
  | 'LEDGER_FORKED'
  | 'LEDGER_SIGNER_STATE_UNREADABLE'
  | 'LEDGER_GUARDS_MISSING';

export class LedgerError extends CodedError<LedgerErrorCode> {}
