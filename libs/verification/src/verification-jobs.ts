/** What the queue carries between the steps: identifiers only. */
import { invariant } from '@app/errors';
import type { Queryable, Tx, VerificationCause } from '@app/persistence';
import type { Queue } from '@app/queue';
import { ENDPOINT_RUNTIMES } from './endpoint-runtimes.js';

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

/** Asks the endpoint of a release again for some of what is known. The verification that follows takes the id of this job. */
export interface DriftJob {
  readonly releaseId: string;
  /** When the schedule was due or somebody asked, ISO 8601. */
  readonly dueAt: string;
  /** Of the verification that follows; absent where the schedule asked. */
  readonly cause?: VerificationCause;
}

/** Also the job of `verification.attest`. */
export interface ConcludeJob {
  readonly verificationId: string;
}

/** A verification that was asked for. */
export interface RequestedVerification {
  /** The id that it will have once it is planned. */
  readonly verificationId: string;
  /** Of the drift check that comes first; null for a release that does not run behind an endpoint. */
  readonly driftCheckDueAt: Date | null;
}

/** Asks for a verification of a release; of one behind an endpoint, for the drift check after which it comes. */
export async function sendRequest(
  queue: Queue,
  db: Queryable,
  { releaseId, runtime }: { readonly releaseId: string; readonly runtime: string },
  { cause, at }: { readonly cause: VerificationCause; readonly at: Date },
): Promise<RequestedVerification> {
  const isChecked = ENDPOINT_RUNTIMES.has(runtime);
  const verificationId = isChecked
    ? await queue.send(db, 'verification.drift', { releaseId, dueAt: at.toISOString(), cause })
    : await queue.send(db, 'verification.plan', { releaseId, cause });
  invariant(verificationId !== null, 'a job without a singleton key is always taken');
  return { verificationId, driftCheckDueAt: isChecked ? at : null };
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
