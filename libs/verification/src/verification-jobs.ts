/** What the queue carries between the steps: identifiers only. */
import type { Tx, VerificationCause } from '@app/persistence';
import type { Queue } from '@app/queue';

export interface PlanJob {
  readonly releaseId: string;
  readonly cause: VerificationCause;
}

export interface BlockJob {
  readonly verificationId: string;
  readonly subject: string;
  readonly blockIndex: number;
}

/** A block that has to be computed, and how many samples of it are needed. */
export interface MissingBlock {
  readonly job: BlockJob;
  readonly width: number;
}

/** Looks for signals that live references lack on the model's sample sets. */
export interface PrepareJob {
  readonly modelId: string;
}

export interface SignalsJob {
  readonly modelId: string;
  /** SHA-256, hexadecimal. */
  readonly artifactDigest: string;
  readonly sampleSetId: string;
  readonly blockIndex: number;
}

/** Asks the endpoint of a release again for some of what is known. */
export interface DriftJob {
  readonly releaseId: string;
  /** When the schedule was due, ISO 8601. */
  readonly dueAt: string;
}

/** Also the job of `verification.attest`. */
export interface ConcludeJob {
  readonly verificationId: string;
}

/** A conclusion takes about a second for 15,000 commitments: a quarter of the lease. */
const CONCLUDE_LEASE_SECONDS = 60;
const COMMITMENTS_PER_LEASE_SECOND = 4000n;

/** @param treeSize commitments to conclude on: the lease grows with them */
export async function sendConclude(
  queue: Queue,
  tx: Tx,
  { verificationId, treeSize }: { readonly verificationId: string; readonly treeSize: bigint },
): Promise<void> {
  const expireInSeconds = CONCLUDE_LEASE_SECONDS + Number(treeSize / COMMITMENTS_PER_LEASE_SECOND);
  await queue.send(tx, 'verification.conclude', { verificationId }, { expireInSeconds });
}
