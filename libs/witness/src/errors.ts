import { CodedError } from '@app/errors';

export type WitnessErrorCode =
  /** No answer, an answer too late or too long, or a server's own failure: ask again later. */
  | 'WITNESS_UNREACHABLE'
  /** The witness says no: it does not know the log, or the log contradicts what it has seen. */
  | 'WITNESS_REFUSED'
  /** A 200 answer without a good cosignature by the witness's key, or one that is not of this protocol. */
  | 'WITNESS_ANSWER_INVALID'
  /** The witness has cosigned more entries than this log has: the log lost some. */
  | 'WITNESS_AHEAD'
  /** A policy whose quorum can never be met by the witnesses that have an address. */
  | 'WITNESS_POLICY_UNUSABLE'
  | 'WITNESS_LOGS_MALFORMED'
  | 'WITNESS_STATE_UNREADABLE'
  | 'WITNESS_STATE_IN_USE'
  | 'WITNESS_KEY_UNUSABLE';

export class WitnessError extends CodedError<WitnessErrorCode> {}
