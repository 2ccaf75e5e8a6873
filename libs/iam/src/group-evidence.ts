/**
 * The evidence of a deletion request: its samples together, against samples known to follow a null hypothesis.
 *
 * Statistic: the mean score of the request's samples. p-value: a permutation test. Pool the null's n scores with the
 * request's own m, draw R subsets of size m from the pool, and rank the request's mean among theirs,
 *   p = (1 + #{draws at least as extreme}) / (R + 1)
 * (Phipson and Smyth, "Permutation p-values should never be zero", 2010). Valid, in finite samples and for any
 * distribution of scores, when the n + m pooled samples are exchangeable; nothing else is assumed. What that leaves
 * out (samples that stick together within a request) is in README.md, "What exchangeability covers".
 *
 * Scores are taken in millionths, the unit in which they are attested. Sums are then integers, exact in any order,
 * so p-values are the same bits everywhere, ties are real ties and count as at least as extreme, and anybody can
 * recompute them from the attested scores. The draws of one size are shared by all requests of that size and depend
 * only on (seed, n, m): a request's p-value does not depend on which other requests are tested, except that a
 * finding at the smallest p-value may be resolved further ({@link GroupEvidenceInput.resolution}).
 * Proven by group-evidence.spec.ts.
 */
import { countAtLeast, countAtMost } from './conformal.js';
import { IamError } from './errors.js';
import { SeededRandom } from './random.js';
import { MILLIONTHS, scoredMillionths, sumOf } from './score-sums.js';

/** Fewer make the smallest p-value too coarse for a hundred requests at q = 0.05; more cost time in proportion. */
export const DEFAULT_RESAMPLES = 19_999;
/** Bound on stored request positions of one batch of draws: 16 MiB; smaller batches sort and search more often. */
const BATCH_POSITIONS = 2 ** 22;
/** Up to so many requests looking at each draw is cheaper than sorting all draws and searching. */
const FEW_GROUPS = 16;
/** Most draws spent on resolving a floor p-value: about a second for ten samples; resolves to 1.2e-7. */
const MAX_REFINED_RESAMPLES = 2 ** 23 - 1;

export interface GroupEvidenceInput {
  /** Scores known to follow the null hypothesis, in [0, 1]; NaN marks an unscorable sample and is left out. */
  readonly nullScores: Float64Array;
  /** Each request's scores, in [0, 1]; NaN marks an unscorable sample and is left out. */
  readonly requests: readonly Float64Array[];
  readonly seed: string | number;
  /** Draws R of each size, >= 1; the smallest p-value is 1/(R + 1). */
  readonly resamples?: number;
  /**
   * The smallest p-value the decision has to tell apart (q over the number of requests for Benjamini-Hochberg).
   * Where fewer requests sit at 1/(R + 1) than would make that p-value a rejection, theirs are drawn again, finer.
   */
  readonly resolution?: number;
  /** Whose p-values are resolved further; both by default. What nobody reads need not be. */
  readonly resolved?: readonly Tail[];
}

/** `lower` is small where the mean lies low, `upper` where it lies high. */
export type Tail = 'lower' | 'upper';

export interface GroupEvidence {
  /** Mean score per request, on millionths; null where no sample could be scored. */
  readonly statistic: (number | null)[];
  /** p per request, in [1/(R+1), 1]; small when the mean lies low. 1 without samples or without a null. */
  readonly pLower: Float64Array;
  /** p per request, in [1/(R+1), 1]; small when the mean lies high. 1 without samples or without a null. */
  readonly pUpper: Float64Array;
  /** The least p-value each request could have got from this null: its resolution. 1 without samples or a null. */
  readonly finest: Float64Array;
}

/** One request reduced to what the test needs; scores ascending so that their order cannot matter. */
interface Group {
  readonly index: number;
  readonly scores: Float64Array;
  readonly sum: number;
}

type Tails = Readonly<Record<Tail, Float64Array>>;

const toSortedMillionths = (scores: Float64Array): Float64Array => scoredMillionths(scores).sort();

/** A batch of random subsets of {0..n-1 null} + {n..n+m-1 request}, summed as far as the null alone allows. */
interface Draws {
  /** Sums of the subsets that hold no request position, ascending. */
  readonly pure: Float64Array;
  /** Null part of the sum of each subset that holds request positions. */
  readonly mixed: Float64Array;
  /** positions[starts[j] .. starts[j+1]) are the request positions of mixed subset j. */
  readonly starts: Int32Array;
  readonly positions: Int32Array;
}

function drawSubsets(
  nulls: Float64Array,
  order: Int32Array,
  plan: { readonly size: number; readonly count: number; readonly random: SeededRandom },
): Draws {
  const { size, count, random } = plan;
  const n = nulls.length;
  const pure = new Float64Array(count);
  const mixed = new Float64Array(count);
  const starts = new Int32Array(count + 1);
  const positions = new Int32Array(count * size);
  let pureCount = 0;
  let mixedCount = 0;
  let used = 0;
  for (let draw = 0; draw < count; draw++) {
    const before = used;
    let sum = 0;
    random.drawFirst(order, size);
    for (let i = 0; i < size; i++) {
      const drawn = order[i]!;
      if (drawn < n) sum += nulls[drawn]!;
      else positions[used++] = drawn - n;
    }
    if (used === before) {
      pure[pureCount++] = sum;
    } else {
      mixed[mixedCount++] = sum;
      starts[mixedCount] = used;
    }
  }
  return { pure: pure.slice(0, pureCount).sort(), mixed: mixed.slice(0, mixedCount), starts, positions };
}

/** How many draws lie at or below, and at or above, `limit`, once the scores of `group` fill its positions. */
function countDraws(draws: Draws, group: Group, limit: number): { atMost: number; atLeast: number } {
  let atMost = countAtMost(draws.pure, limit);
  let atLeast = countAtLeast(draws.pure, limit);
  const { mixed, starts, positions } = draws;
  for (let j = 0; j < mixed.length; j++) {
    let sum = mixed[j]!;
    for (let k = starts[j]!; k < starts[j + 1]!; k++) sum += group.scores[positions[k]!]!;
    if (sum <= limit) atMost++;
    if (sum >= limit) atLeast++;
  }
  return { atMost, atLeast };
}

/**
 * Where a request is larger than the null, the draws are what a subset leaves over: the subset is at most the request
 * exactly when its rest is at least all of the null.
 */
function addCounts(
  counts: Tails,
  { index }: Group,
  { atMost, atLeast }: { readonly atMost: number; readonly atLeast: number },
  nullTotal: number | null,
): void {
  counts.lower[index]! += nullTotal === null ? atMost : atLeast;
  counts.upper[index]! += nullTotal === null ? atLeast : atMost;
}

/** Adds one batch of draws to the counts of `groups`. */
function countBatch(draws: Draws, groups: readonly Group[], nullTotal: number | null, counts: Tails): void {
  for (const group of groups)
    addCounts(counts, group, countDraws(draws, group, nullTotal ?? group.sum), nullTotal);
}

/**
 * As {@link drawSubsets} and {@link countBatch} of all draws at once, for few groups: each draw is counted as soon as it is
 * made, and none is kept.
 */
function countEachDraw(
  nulls: Float64Array,
  order: Int32Array,
  plan: { readonly size: number; readonly count: number; readonly random: SeededRandom },
  groups: readonly { readonly group: Group; readonly limit: number; atMost: number; atLeast: number }[],
): void {
  const { size, count, random } = plan;
  const last = nulls.length - 1;
  // Request positions add nothing here: their scores differ from group to group.
  const parts = new Float64Array(order.length);
  parts.set(nulls);
  for (let draw = 0; draw < count; draw++) {
    random.drawFirst(order, size);
    let sum = 0;
    let mixed = 0;
    for (let i = 0; i < size; i++) {
      const drawn = order[i]!;
      sum += parts[drawn]!;
      mixed |= last - drawn;
    }
    for (const one of groups) {
      let whole = sum;
      if (mixed < 0)
        for (let i = 0; i < size; i++) if (order[i]! > last) whole += one.group.scores[order[i]! - last - 1]!;
      if (whole <= one.limit) one.atMost++;
      if (whole >= one.limit) one.atLeast++;
    }
  }
}

/** A group, and how many draws of its stream, from the first on, it is ranked among. */
interface Ranked {
  readonly group: Group;
  readonly draws: number;
}

/** A stream of draws; what was drawn is not drawn again. */
interface Stream {
  readonly nulls: Float64Array;
  readonly order: Int32Array;
  readonly size: number;
  readonly random: SeededRandom;
}

/** Adds the next `count` draws to the counts of `groups`. */
function countNext(
  { nulls, order, size, random }: Stream,
  count: number,
  groups: readonly Group[],
  nullTotal: number | null,
  counts: Tails,
): void {
  if (groups.length <= FEW_GROUPS) {
    const counted = groups.map((group) => ({ group, limit: nullTotal ?? group.sum, atMost: 0, atLeast: 0 }));
    countEachDraw(nulls, order, { size, count, random }, counted);
    for (const { group, atMost, atLeast } of counted)
      addCounts(counts, group, { atMost, atLeast }, nullTotal);
    return;
  }
  const batch = Math.max(1, Math.floor(BATCH_POSITIONS / size));
  for (let done = 0; done < count; done += batch) {
    const plan = { size, count: Math.min(batch, count - done), random };
    countBatch(drawSubsets(nulls, order, plan), groups, nullTotal, counts);
  }
}

/** Writes both p-values of groups that all have `size` samples, from draws of the stream `seed`. */
function testGroups(
  nulls: Float64Array,
  size: number,
  ranked: readonly Ranked[],
  seed: string,
  p: Tails,
): void {
  if (size === 1) {
    // One sample against n: the permutation distribution is the ranks themselves, no draw is needed.
    for (const { group } of ranked) {
      p.lower[group.index] = (1 + countAtMost(nulls, group.sum)) / (nulls.length + 1);
      p.upper[group.index] = (1 + countAtLeast(nulls, group.sum)) / (nulls.length + 1);
    }
    return;
  }
  const random = new SeededRandom(`${seed}/${String(nulls.length)}/${String(size)}`);
  const order = Int32Array.from({ length: nulls.length + size }, (_, i) => i);
  const drawn = Math.min(size, nulls.length);
  const nullTotal = drawn < size ? sumOf(nulls) : null;
  for (const { group } of ranked) p.lower[group.index] = p.upper[group.index] = 0;
  const stream = { nulls, order, size: drawn, random };
  let done = 0;
  for (const end of new Set(ranked.map(({ draws }) => draws).sort((a, b) => a - b))) {
    const groups = ranked.filter(({ draws }) => draws >= end).map(({ group }) => group);
    countNext(stream, end - done, groups, nullTotal, p);
    done = end;
  }
  for (const { group, draws } of ranked) {
    p.lower[group.index] = (1 + p.lower[group.index]!) / (draws + 1);
    p.upper[group.index] = (1 + p.upper[group.index]!) / (draws + 1);
  }
}

function bySize<T extends Ranked>(ranked: readonly T[]): Map<number, T[]> {
  const sizes = new Map<number, T[]>();
  for (const one of ranked) {
    const size = one.group.scores.length;
    const known = sizes.get(size);
    if (known) known.push(one);
    else sizes.set(size, [one]);
  }
  return sizes;
}

/**
 * Resolves p-values that sit at the floor 1/(R + 1) with more draws of their own stream. A group above the floor keeps
 * its p-value; one at the floor takes the smaller of both. That stays valid: below the floor p <= t needs the finer,
 * itself valid p-value to be <= t; at or above the floor nothing is counted that the first test did not count. Both tails
 * are ranked among the same draws, each among as many as it needs; no group is at the floor of both.
 */
function refineFloor(
  nulls: Float64Array,
  groups: readonly Group[],
  p: Tails,
  plan: {
    readonly resamples: number;
    readonly resolution: number;
    readonly resolved: readonly Tail[];
    readonly seed: string;
  },
): void {
  const floor = 1 / (plan.resamples + 1);
  const atFloors = plan.resolved.flatMap((tail) => {
    const atFloor = groups.filter(({ index, scores }) => scores.length > 1 && p[tail][index] === floor);
    if (atFloor.length === 0 || floor <= plan.resolution * atFloor.length) return [];
    const draws = Math.min(MAX_REFINED_RESAMPLES, Math.ceil(2 / (plan.resolution * atFloor.length)));
    return atFloor.map((group) => ({ group, draws, tail }));
  });
  const finer: Tails = {
    lower: new Float64Array(p.lower.length),
    upper: new Float64Array(p.upper.length),
  };
  for (const [size, sized] of bySize(atFloors)) testGroups(nulls, size, sized, `${plan.seed}/finer`, finer);
  for (const { group, tail } of atFloors)
    p[tail][group.index] = Math.min(p[tail][group.index]!, finer[tail][group.index]!);
}

/** 1 over the number of ways to draw `size` of `nulls + size` samples, or the most draws that are ever made. */
function finestOf(nulls: number, size: number): number {
  let p = 1;
  for (let i = 1; i <= size && p > 0; i++) p *= i / (nulls + i);
  return size === 0 || nulls === 0 ? 1 : Math.max(p, 1 / (MAX_REFINED_RESAMPLES + 1));
}

/**
 * The permutation p-values of every request against one null, both tails.
 * Time: R x min(m, n) for each distinct request size m, then O(log R + R m^2/(n + m)) per request.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for resamples < 1 or a resolution outside (0, 1]; IAM_SCORE_INVALID for a score
 * outside [0, 1]
 */
export function groupPValues(input: GroupEvidenceInput): GroupEvidence {
  const { resamples = DEFAULT_RESAMPLES, resolution = 1, resolved = ['lower', 'upper'] } = input;
  if (!Number.isInteger(resamples) || resamples < 1 || !(resolution > 0 && resolution <= 1)) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'resamples must be a positive integer, resolution in (0, 1]',
    );
  }
  const nulls = toSortedMillionths(input.nullScores);
  const groups = input.requests.map((request, index): Group => {
    const scores = toSortedMillionths(request);
    return { index, scores, sum: sumOf(scores) };
  });
  const testable = groups.filter(({ scores }) => scores.length > 0);
  const p: Tails = {
    lower: new Float64Array(groups.length).fill(1),
    upper: new Float64Array(groups.length).fill(1),
  };
  if (nulls.length > 0) {
    const seed = String(input.seed);
    const ranked = testable.map((group) => ({ group, draws: resamples }));
    for (const [size, sized] of bySize(ranked)) testGroups(nulls, size, sized, seed, p);
    refineFloor(nulls, testable, p, { resamples, resolution, resolved, seed });
  }
  return {
    statistic: groups.map(({ scores, sum }) =>
      scores.length === 0 ? null : sum / scores.length / MILLIONTHS,
    ),
    pLower: p.lower,
    pUpper: p.upper,
    finest: Float64Array.from(groups, ({ scores }) => finestOf(nulls.length, scores.length)),
  };
}
