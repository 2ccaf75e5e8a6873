/**
 * The evidence of a deletion request whose samples stick together (chunks of one article, photos of one person).
 * Then single samples are not exchangeable, but whole clusters still are: a request is ranked among the clusters of the
 * null, each cut down to as many random samples as the request has. p = (1 + #{clusters at least as extreme}) / (G + 1)
 * with G the clusters that are large enough. A request that is larger than enough clusters are is itself cut down, to as
 * many random samples as {@link comparableSize} says: a random part of it and of a cluster are as exchangeable as the
 * wholes, and the sizes are chosen without a look at the scores. Valid when the request and the null's clusters are
 * exchangeable, whatever the dependence inside them. The price is resolution: no p-value lies below 1/(G + 1), so that
 * telling one request among M at level q takes G >= M/q - 1 clusters. Proven by cluster-evidence.spec.ts.
 */
import { countAtLeast, countAtMost } from './conformal.js';
import { IamError } from './errors.js';
import type { GroupEvidence } from './group-evidence.js';
import { SeededRandom } from './random.js';
import { MILLIONTHS, scoredMillionths, sumOf } from './score-sums.js';

export interface ClusterEvidenceInput {
  /** Scores known to follow the null hypothesis, in [0, 1]; NaN marks an unscorable sample and is left out. */
  readonly nullScores: Float64Array;
  /** Cluster of each null score; any integers. */
  readonly nullCluster: Int32Array;
  /** Each request's scores, in [0, 1]; NaN as above. */
  readonly requests: readonly Float64Array[];
  readonly seed: string | number;
  /** Clusters that a request has to be comparable with, >= 1: a larger one is cut down to their size. Default 1. */
  readonly leastClusters?: number;
}

/**
 * The scored values of each cluster in a random order that depends on (seed, place of the cluster) only: any prefix is
 * a uniform subset. Clusters are placed by first appearance.
 */
export function shuffledClusters(
  scores: Float64Array,
  cluster: Int32Array,
  seed: string | number,
): Float64Array[] {
  if (scores.length !== cluster.length) {
    throw new IamError('IAM_LENGTH_MISMATCH', 'every score needs the cluster it belongs to');
  }
  const members = new Map<number, number[]>();
  scores.forEach((score, i) => {
    if (Number.isNaN(score)) return;
    const known = members.get(cluster[i]!);
    if (known) known.push(score);
    else members.set(cluster[i]!, [score]);
  });
  return Array.from(members.values(), (values, place) => {
    const shuffled = Float64Array.from(values).sort();
    new SeededRandom(`${String(seed)}/cluster/${String(place)}`).shuffle(shuffled);
    return shuffled;
  });
}

/**
 * One random scored value of each cluster, which single samples of other clusters are exchangeable with.
 * @throws IAM_LENGTH_MISMATCH when scores and clusters differ in number
 */
export function oneOfEachCluster(
  scores: Float64Array,
  cluster: Int32Array,
  seed: string | number,
): Float64Array {
  return Float64Array.from(shuffledClusters(scores, cluster, seed), (values) => values[0]!);
}

/** The most samples that at least `leastClusters` clusters (or all, where there are fewer) have; 0 without clusters. */
export function comparableSize(clusters: readonly Float64Array[], leastClusters: number): number {
  const sizes = clusters.map((values) => values.length).sort((a, b) => b - a);
  return sizes[Math.min(leastClusters, sizes.length) - 1] ?? 0;
}

/** Sums of the first `size` values of every cluster that has as many, in millionths, ascending. */
const clusterSums = (clusters: readonly Float64Array[], size: number): Float64Array =>
  Float64Array.from(
    clusters.filter((values) => values.length >= size),
    (values) => sumOf(scoredMillionths(values.subarray(0, size))),
  ).sort();

/** A random part of `scores`, in a stream of its own: the same part of every request would favour some ranks. */
function partOf(scores: Float64Array, size: number, stream: string): Float64Array {
  if (scores.length <= size) return scores;
  const shuffled = scores.slice().sort();
  new SeededRandom(stream).shuffle(shuffled);
  return shuffled.subarray(0, size);
}

/**
 * The p-values of every request against the clusters of one null, both tails; 1 for a request without samples, and
 * without clusters.
 * @throws IAM_LENGTH_MISMATCH when scores and clusters differ in number; IAM_SCORE_INVALID for a score outside [0, 1]
 */
export function clusterPValues(input: ClusterEvidenceInput): GroupEvidence {
  const { requests, seed, leastClusters = 1 } = input;
  const clusters = shuffledClusters(input.nullScores, input.nullCluster, seed);
  const largest = comparableSize(clusters, leastClusters);
  const sumsOfSize = new Map<number, Float64Array>();
  const statistic: (number | null)[] = [];
  const pLower = new Float64Array(requests.length).fill(1);
  const pUpper = new Float64Array(requests.length).fill(1);
  const finest = new Float64Array(requests.length).fill(1);
  requests.forEach((request, index) => {
    const scores = scoredMillionths(request);
    statistic.push(scores.length === 0 ? null : sumOf(scores) / scores.length / MILLIONTHS);
    if (scores.length === 0 || largest === 0) return;
    const compared = partOf(scores, largest, `${String(seed)}/request/${String(index)}`);
    const size = compared.length;
    const sum = sumOf(compared);
    const sums = sumsOfSize.get(size) ?? clusterSums(clusters, size);
    sumsOfSize.set(size, sums);
    pLower[index] = (1 + countAtMost(sums, sum)) / (sums.length + 1);
    pUpper[index] = (1 + countAtLeast(sums, sum)) / (sums.length + 1);
    finest[index] = 1 / (sums.length + 1);
  });
  return { statistic, pLower, pUpper, finest };
}
