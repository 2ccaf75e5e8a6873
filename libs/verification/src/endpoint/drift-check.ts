/**
 * Does an endpoint still say what it said? Known signals against what came when it was asked for them again. Pure; proven
 * by drift-check.spec.ts.
 */
import { logitOfLoss, scaledLogitOfProbability, type SignalKind } from '@app/iam';
import type { DriftOutcome } from '@app/persistence';

/** Some known signals and what the endpoint says of the same samples now. */
export interface AskedAgain {
  /** Raw signals `[samples]`. */
  readonly known: Float64Array;
  /** Raw signals `[samples]`, NaN where none came. */
  readonly now: Float64Array;
  /** Why none came, by sample; undefined where one did, and where the endpoint was not asked for it. */
  readonly codes: readonly (string | undefined)[];
}

export interface DriftFinding {
  readonly outcome: DriftOutcome;
  /** Samples that went through the endpoint. */
  readonly sampled: number;
  /** Of them, those that differ by more than the tolerance or have no signal any more. */
  readonly differing: number;
  /** Null where no signal came. */
  readonly largestDifference: number | null;
  /** The most frequent reason for a signal that did not come. */
  readonly errorCode: string | null;
}

/** Nobody answered, or it was not for want of trying on the endpoint's side: this says nothing about the model. */
const NO_ANSWER: ReadonlySet<string> = new Set([
  'RUNTIME_UNAVAILABLE',
  'RUNTIME_TIMEOUT',
  'RUNTIME_ENDPOINT_FORBIDDEN',
  'RUNTIME_ENDPOINT_REFUSED',
]);

/** Probability 0.9999: nearer to 1 the single precision of an answer is coarser than any tolerance, and scores do not move. */
const HIGHEST = Math.log(0.9999 / 0.0001);
/** Of the least probability that is told from 0 in single precision; losses beyond are the same. */
const LOWEST = -103;

/**
 * ln(p / (1 - p)) of the true class, or of the average token, within the bounds above. Where each logit of a model is off by d
 * at most this is off by 2d at most, for any p; raw losses and probabilities would need another tolerance at each place of
 * their range.
 */
function logOdds(raw: number, signalKind: SignalKind): number {
  const logit = signalKind === 'loss' ? logitOfLoss(raw) : scaledLogitOfProbability(raw);
  return Math.max(LOWEST, Math.min(HIGHEST, logit));
}

/**
 * What the comparison says, in log-odds. A sample without a signal is a difference, since it had one.
 * @param tolerance largest difference of the log-odds of two signals taken to be the same, > 0
 */
export function findDrift(
  { known, now, codes }: AskedAgain,
  signalKind: SignalKind,
  tolerance: number,
): DriftFinding {
  const failures = codes.filter((code) => code !== undefined);
  const differences = Array.from(known, (value, i) =>
    Math.abs(logOdds(now[i]!, signalKind) - logOdds(value, signalKind)),
  ).filter((difference) => !Number.isNaN(difference));
  const sampled = failures.length + differences.length;
  const errorCode = mostFrequent(failures);
  if (differences.length === 0 && failures.every((code) => NO_ANSWER.has(code)))
    return { outcome: 'UNREACHABLE', sampled: 0, differing: 0, largestDifference: null, errorCode };
  const differing = failures.length + differences.filter((difference) => difference > tolerance).length;
  return {
    outcome: differing > 0 ? 'DIFFERENT' : 'SAME',
    sampled,
    differing,
    largestDifference: differences.length > 0 ? Math.max(...differences) : null,
    errorCode,
  };
}

function mostFrequent(codes: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0]?.[0] ?? null;
}
