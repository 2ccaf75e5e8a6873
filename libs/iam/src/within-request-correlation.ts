/**
 * Whether the samples of one request stick together. {@link groupPValues} takes single samples to be exchangeable; where
 * those of a request share more than chance gives them, its p-values come out too small and clusters are needed
 * ({@link clusterPValues}). Test: how far the mean ranks of most requests lie from the middle rank, against the same scores
 * dealt anew to requests of the same sizes (ranks, because completeness crowds at one end). The tenth of the requests that
 * lies farthest out, and at least one, does not count, dealt anew or not: a few requests that really differ from the others
 * are no correlation. Give requests of one kind only (all clean, or all residual) for the same reason. Proven by
 * within-request-correlation.spec.ts.
 */
import { countAtLeast, countAtMost } from './conformal.js';
import { SeededRandom } from './random.js';
import { sumOf } from './score-sums.js';

export interface CorrelationCheck {
  /** Intraclass correlation (analysis of variance), in [-1, 1]: 0 = samples of a request are like any others. */
  readonly correlation: number;
  /**
   * In (0, 1], small when samples stick together; 1 where nothing can be compared. Exact up to the level that was asked
   * for; a value above it is a lower bound.
   */
  readonly pValue: number;
}

/** Fewer cannot reach the warning's level of 0.001; more cost time in proportion. */
const PERMUTATIONS = 999;
/** More samples are left out: 20,000 show a correlation of 0.02, and a check must not outlast the decision. */
const LARGEST_SET = 20_000;

/** Sum over groups of (sum of the group)^2 / size: the part of the between-group variance that depends on the dealing. */
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

/** Fewer would let a few residual requests pass for correlation; more would leave too little to see it. */
const COUNTED_SHARE = 0.9;

/** Each score's rank among all, counted from the middle; ties share the mean of their ranks. */
function centredRanks(scores: Float64Array): Float64Array {
  const sorted = scores.slice().sort();
  return scores.map((score) => (countAtMost(sorted, score) - countAtLeast(sorted, score)) / 2);
}

/** Sum over the counted groups of size x (mean rank)^2: what varies together in most of them. */
function spreadOfMost(ranks: Float64Array, sizes: readonly number[]): number {
  let at = 0;
  const deviations = new Float64Array(sizes.length);
  for (const [group, size] of sizes.entries()) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += ranks[at++]!;
    deviations[group] = (sum * sum) / size;
  }
  const counted = Math.min(sizes.length - 1, Math.ceil(COUNTED_SHARE * sizes.length));
  return sumOf(deviations.sort().subarray(0, counted));
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
 * @param level above which nobody asks how large the p-value is: dealing ends as soon as it is known to lie there, for
 *   most releases after a fiftieth of the work
 */
export function checkWithinRequestCorrelation(
  requests: readonly Float64Array[],
  seed: string | number,
  level = 1,
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
  const ranks = centredRanks(dealt);
  const observed = spreadOfMost(ranks, sizes);
  const random = new SeededRandom(`${String(seed)}/correlation`);
  const pValueOf = (atLeast: number): number => (1 + atLeast) / (PERMUTATIONS + 1);
  let atLeast = 0;
  for (let i = 0; i < PERMUTATIONS && pValueOf(atLeast) <= level; i++) {
    random.shuffle(ranks);
    if (spreadOfMost(ranks, sizes) >= observed) atLeast++;
  }
  return { correlation, pValue: pValueOf(atLeast) };
}
