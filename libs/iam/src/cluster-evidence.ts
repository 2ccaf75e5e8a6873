/**
 * The evidence of a deletion request whose samples stick together (chunks of one article, photos of one person).
 * Then single samples are not exchangeable, but whole clusters still are: a request is ranked among the clusters of the
 * null, each cut down to as many random samples as the request has. p = (1 + #{clusters at least as extreme}) / (G + 1)
 * with G the clusters that are large enough. Valid when the request and the null's clusters are exchangeable, whatever
 * the dependence inside them. The price is resolution: no p-value lies below 1/(G + 1), so that telling one request
 * among M at level q takes G >= M/q - 1 clusters. Proven by cluster-evidence.spec.ts.
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

/** Sums of the first `size` values of every cluster that has as many, in millionths, ascending. */
const clusterSums = (clusters: readonly Float64Array[], size: number): Float64Array =>
  Float64Array.from(
    clusters.filter((values) => values.length >= size),
    (values) => sumOf(scoredMillionths(values.subarray(0, size))),
  ).sort();

/**
 * The p-values of every request against the clusters of one null, both tails; 1 for a request without samples or
 * larger than every cluster.
 * @throws IAM_LENGTH_MISMATCH when scores and clusters differ in number; IAM_SCORE_INVALID for a score outside [0, 1]
 */
export function clusterPValues(input: ClusterEvidenceInput): GroupEvidence {
  const clusters = shuffledClusters(input.nullScores, input.nullCluster, input.seed);
  const sumsOfSize = new Map<number, Float64Array>();
  const statistic: (number | null)[] = [];
  const pLower = new Float64Array(input.requests.length).fill(1);
  const pUpper = new Float64Array(input.requests.length).fill(1);
  input.requests.forEach((request, index) => {
    const scores = scoredMillionths(request);
    const size = scores.length;
    const sum = sumOf(scores);
    statistic.push(size === 0 ? null : sum / size / MILLIONTHS);
    if (size === 0) return;
    const sums = sumsOfSize.get(size) ?? clusterSums(clusters, size);
    sumsOfSize.set(size, sums);
    pLower[index] = (1 + countAtMost(sums, sum)) / (sums.length + 1);
    pUpper[index] = (1 + countAtLeast(sums, sum)) / (sums.length + 1);
  });
  return { statistic, pLower, pUpper };
}
