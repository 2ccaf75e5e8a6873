/**
 * Does an endpoint still say what it said? Known signals against what came when it was asked for them again. Pure; proven
 * by drift-check.spec.ts.
 */
import { type IamParameters, transformSignal } from '@app/iam';
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

/**
 * What the comparison says. Signals are compared as scores are made from them (`transformSignal`), where an error of a
 * model's logits by d moves a signal by d at most, whatever the probability is; raw losses and probabilities would need
 * another tolerance at each place of their range. A sample without a signal is a difference, since it had one.
 * @param tolerance largest difference of two signals taken to be the same, > 0
 */
export function findDrift(
  { known, now, codes }: AskedAgain,
  parameters: Pick<IamParameters, 'signalKind' | 'epsilon1' | 'epsilon2'>,
  tolerance: number,
): DriftFinding {
  const failures = codes.filter((code) => code !== undefined);
  const differences = Array.from(known, (value, i) =>
    Math.abs(transformSignal(now[i]!, parameters) - transformSignal(value, parameters)),
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
