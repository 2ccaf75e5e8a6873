/**
 * Whether the samples of one request stick together. {@link groupPValues} takes single samples to be exchangeable; where
 * those of a request share more than chance gives them, its p-values come out too small and clusters are needed
 * ({@link clusterPValues}). Test: the variance of the request means, against the same scores dealt anew to requests of
 * the same sizes. Give requests of one kind only (all clean, or all residual): differences between kinds are no
 * correlation. Proven by within-request-correlation.spec.ts.
 */
import { SeededRandom } from './random.js';
import { sumOf } from './score-sums.js';

export interface CorrelationCheck {
  /** Intraclass correlation (analysis of variance), in [-1, 1]: 0 = samples of a request are like any others. */
  readonly correlation: number;
  /** In (0, 1], small when samples stick together; 1 where nothing can be compared. */
  readonly pValue: number;
}

/** Fewer cannot reach the warning's level of 0.001; more cost time in proportion. */
const PERMUTATIONS = 999;
/** More samples are left out: 20,000 show a correlation of 0.02, and a check must not outlast the decision. */
const LARGEST_SET = 20_000;

/** Sum over groups of (sum of the group)^2 / size: all that varies of the between-group variance when dealt anew. */
function spreadOfSums(scores: Float64Array, sizes: readonly number[]): number {
  let at = 0;
  let spread = 0;
  for (const size of sizes) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += scores[at++]!;
    spread += (sum * sum) / size;
  }
  return spread;
}

/** One-way analysis of variance, with the mean size corrected for unequal groups. */
function intraclassCorrelation(scores: Float64Array, sizes: readonly number[]): number {
  const total = scores.length;
  const mean = sumOf(scores) / total;
  const between = spreadOfSums(scores, sizes) - total * mean * mean;
  const all = sumOf(scores.map((score) => (score - mean) ** 2));
  if (!(all > 0)) return 0;
  const size = (total - sizes.reduce((sum, each) => sum + each * each, 0) / total) / (sizes.length - 1);
  const meanBetween = between / (sizes.length - 1);
  const meanWithin = Math.max(0, all - between) / (total - sizes.length);
  return Math.min(1, Math.max(-1, (meanBetween - meanWithin) / (meanBetween + (size - 1) * meanWithin)));
}

/**
 * Checks requests of one kind.
 * @param requests scores of each request, in [0, 1], without NaN; those with fewer than two samples say nothing
 */
export function checkWithinRequestCorrelation(
  requests: readonly Float64Array[],
  seed: string | number,
): CorrelationCheck {
  const kept: Float64Array[] = [];
  let total = 0;
  for (const scores of requests) {
    if (scores.length < 2) continue;
    if (total + scores.length > LARGEST_SET) break;
    kept.push(scores);
    total += scores.length;
  }
  if (kept.length < 2) return { correlation: 0, pValue: 1 };
  const sizes = kept.map((scores) => scores.length);
  const dealt = new Float64Array(total);
  let at = 0;
  for (const scores of kept) {
    dealt.set(scores, at);
    at += scores.length;
  }
  const correlation = intraclassCorrelation(dealt, sizes);
  const observed = spreadOfSums(dealt, sizes);
  const random = new SeededRandom(`${String(seed)}/correlation`);
  let atLeast = 0;
  for (let i = 0; i < PERMUTATIONS; i++) {
    random.shuffle(dealt);
    if (spreadOfSums(dealt, sizes) >= observed) atLeast++;
  }
  return { correlation, pValue: (1 + atLeast) / (PERMUTATIONS + 1) };
}
