/**
 * Recurrence: a request that was clean under one release and shows residual evidence under a later one, or under the same
 * once what answers behind its endpoint has changed. That is more
 * than a failed release: something brought forgotten samples back (a fine-tune, a rollback, a restored shard), and the
 * first bad release says where to look. Pure; proven by recurrence.spec.ts.
 */
import type { RequestVerdict } from './decision.js';

export interface ReleaseVerdict {
  readonly releaseId: string;
  readonly verdict: RequestVerdict;
}

export interface Recurrence {
  /** The last release before it under which the request was clean. */
  readonly lastClean: string;
  /** Releases in between without a clear verdict: the cause may lie in any of them. */
  readonly unclear: readonly string[];
  /** The first release under which the request is RESIDUAL again. */
  readonly firstBad: string;
}

const CLEAN: ReadonlySet<RequestVerdict> = new Set<RequestVerdict>([
  'NO_RESIDUAL_EVIDENCE',
  'OVER_UNLEARNED',
]);

/**
 * Every recurrence of one request, oldest first. A verification raises the event exactly when its own release is the
 * `firstBad` of the last entry; later releases that stay RESIDUAL raise none, a clean one arms the rule again.
 * @param history the request's verdict per release, in order of registration, one entry for each generation of a release's signals
 */
export function findRecurrences(history: readonly ReleaseVerdict[]): Recurrence[] {
  const recurrences: Recurrence[] = [];
  let lastClean: string | null = null;
  let unclear: string[] = [];
  for (const { releaseId, verdict } of history) {
    if (CLEAN.has(verdict)) {
      lastClean = releaseId;
      unclear = [];
    } else if (lastClean !== null && verdict === 'RESIDUAL') {
      recurrences.push({ lastClean, unclear, firstBad: releaseId });
      lastClean = null;
      unclear = [];
    } else {
      unclear.push(releaseId);
    }
  }
  return recurrences;
}
