/**
 * Does a current release need another verification? Pure; proven by reverification.spec.ts.
 */
import type { VerificationStatus } from '@app/persistence';

/**
 * Why, in the order in which it is asked.
 *   never-verified   nobody has begun to verify it
 *   profile          a newer profile measures otherwise
 *   commitments      there are commitments that were not covered
 *   erasure          a request was erased since: its samples are no longer verifiable
 *   failed           its newest verification could not be carried out
 *   endpoint         what answers for it may have changed without notice
 *   expiring         nothing changed, but its attestation would expire
 */
export type ReverifyReason =
  'never-verified' | 'profile' | 'commitments' | 'erasure' | 'failed' | 'endpoint' | 'expiring';

/** What is known of a model's current release now. */
export interface ReleaseState {
  readonly releaseId: string;
  readonly runsAtEndpoint: boolean;
  /** The model's current profile. */
  readonly profileId: string;
  /** Commitments acknowledged so far. */
  readonly committed: bigint;
  /** The release's newest verification. */
  readonly newest: {
    readonly profileId: string;
    readonly treeSize: bigint;
    readonly status: VerificationStatus;
    /** Whether a request that it covers was erased after it was asked for. */
    readonly erasedSince: boolean;
  } | null;
  /** The release's newest attestation. */
  readonly attestation: { readonly issuedAt: Date; readonly expiresAt: Date } | null;
}

export interface DueTimes {
  /** The due time that is served: the same whoever serves it, and after a crash. */
  readonly dueAt: Date;
  readonly now: Date;
  /** When this will be asked again. */
  readonly next: Date;
}

/** Of an attestation's life; with less time left one outage could let it expire, with more it is renewed needlessly often. */
const RENEWED_AFTER = 2 / 3;

/** Null where another verification would say what the newest one says, or will say. */
export function reverifyReason(state: ReleaseState, times: DueTimes): ReverifyReason | null {
  const { newest } = state;
  if (!newest) return 'never-verified';
  if (newest.profileId !== state.profileId) return 'profile';
  if (newest.treeSize < state.committed) return 'commitments';
  if (newest.erasedSince) return 'erasure';
  if (newest.status === 'FAILED') return 'failed';
  if (newest.status !== 'ATTESTED') return null;
  if (state.runsAtEndpoint) return 'endpoint';
  return state.attestation && isExpiring(state.attestation, times) ? 'expiring' : null;
}

function isExpiring(
  { issuedAt, expiresAt }: NonNullable<ReleaseState['attestation']>,
  { now, next }: DueTimes,
): boolean {
  const renewAt = issuedAt.getTime() + RENEWED_AFTER * (expiresAt.getTime() - issuedAt.getTime());
  return now.getTime() >= renewAt || next >= expiresAt;
}
