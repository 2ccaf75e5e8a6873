/** How fast a verification goes, and how long it will take. Pure; proven by progress-rate.spec.ts. */
import type { VerificationProgress } from './verification.repository.js';

export interface ProgressRate {
  /** Samples scored a second since it was planned; null while none is. */
  readonly samplesPerSecond: number | null;
  /** Until every sample is scored; null while nobody can tell, 0 when they are. */
  readonly secondsLeft: number | null;
}

export function progressRate(
  {
    samplesDone,
    samplesReused,
    samplesTotal,
    startedAt,
    finishedAt,
  }: Pick<
    VerificationProgress,
    'samplesDone' | 'samplesReused' | 'samplesTotal' | 'startedAt' | 'finishedAt'
  >,
  now: Date,
): ProgressRate {
  const scored = Number(samplesDone - samplesReused);
  const seconds = startedAt ? ((finishedAt ?? now).getTime() - startedAt.getTime()) / 1000 : 0;
  const samplesPerSecond = scored > 0 && seconds > 0 ? scored / seconds : null;
  const left = Number(samplesTotal - samplesDone);
  if (left === 0) return { samplesPerSecond, secondsLeft: 0 };
  return { samplesPerSecond, secondsLeft: samplesPerSecond === null ? null : left / samplesPerSecond };
}
