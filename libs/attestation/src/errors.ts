import { CodedError } from '@app/errors';
import type { CodedErrorOptions } from '@app/errors';
import type { Check } from './check.js';

/** Every way in which an attestation, a bundle, a key set or a results file can be refused. */
export type AttestationErrorCode =
  | 'ATTESTATION_MALFORMED'
  | 'ATTESTATION_TOO_LARGE'
  | 'ATTESTATION_TYPE_WRONG'
  | 'ATTESTATION_ALGORITHM_REFUSED'
  | 'ATTESTATION_KEY_UNKNOWN'
  | 'ATTESTATION_KEY_REVOKED'
  | 'ATTESTATION_KEY_OUTSIDE_ITS_TIME'
  | 'ATTESTATION_SIGNATURE_INVALID'
  | 'ATTESTATION_STATEMENT_INVALID'
  | 'ATTESTATION_EXPIRED'
  | 'ATTESTATION_NOT_YET_VALID'
  | 'ATTESTATION_CHECKPOINT_INVALID'
  | 'ATTESTATION_CONSISTENCY_BROKEN'
  | 'ATTESTATION_PREVIOUS_MISMATCH'
  | 'ATTESTATION_NOT_LOGGED'
  | 'ATTESTATION_RESULTS_INCOMPLETE'
  | 'ATTESTATION_RESULTS_MISMATCH'
  | 'BUNDLE_MALFORMED'
  | 'BUNDLE_TOO_LARGE'
  | 'BUNDLE_COMMITMENT_INVALID'
  | 'BUNDLE_RESULT_INVALID'
  | 'BUNDLE_MIXED'
  | 'BUNDLE_INCOMPLETE'
  | 'BUNDLE_CONSISTENCY_BROKEN'
  | 'KEY_SET_MALFORMED'
  | 'SIGNING_KEY_UNUSABLE';

export interface AttestationErrorOptions extends CodedErrorOptions {
  /** The checks that held before this one failed, in order. */
  readonly passed?: readonly Check[];
}

/**
 * A refusal. `details.where` names the offending part where there is one, as a path into the document:
 * `commitments[3].inclusionProof`, `line 17`, `predicate.results.treeSize`.
 */
export class AttestationError extends CodedError<AttestationErrorCode> {
  /** What had already been checked when it failed: a reader learns how far the document was sound. */
  readonly passed: readonly Check[];

  constructor(code: AttestationErrorCode, message: string, options: AttestationErrorOptions = {}) {
    super(code, message, options);
    this.passed = options.passed ?? [];
  }

  /** The same refusal with the checks that held before it. */
  after(passed: readonly Check[]): AttestationError {
    return new AttestationError(this.code, this.message, {
      cause: this.cause,
      retryable: this.retryable,
      details: this.details,
      passed,
    });
  }
}

/** The refusal `code` at `where`, a path into the document; `cause` is what the lower layer said. */
export function refusal(
  code: AttestationErrorCode,
  where: string,
  message: string,
  cause?: unknown,
): AttestationError {
  return new AttestationError(code, message, { cause, details: { where } });
}
