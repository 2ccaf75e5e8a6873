/** What the queue carries between the steps: identifiers only. */
import type { VerificationCause } from '@app/persistence';

export interface PlanJob {
  readonly releaseId: string;
  readonly cause: VerificationCause;
}

export interface BlockJob {
  readonly verificationId: string;
  readonly subject: string;
  readonly blockIndex: number;
}

/** Also the job of `verification.attest`. */
export interface ConcludeJob {
  readonly verificationId: string;
}
