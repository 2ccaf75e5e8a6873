/**
 * The evidence of a deletion request of which nothing is known but that its samples depend on each other: each sample has
 * its own conformal p-value, and those of a request are merged by a rule that holds under any dependence. With m samples
 * and k = ceil(m/2), p = min(1, (m/k) p_(k)): at most twice the median (Ruger, Metrika 1978; Vovk and Wang, Biometrika
 * 2020). The price is that many samples are worth hardly more than one: no p-value lies below (m/k)/(n + 1).
 * What has to be exchangeable is one committed sample with the null's samples. Proven by merged-evidence.spec.ts.
 */
import { ConformalNull } from './conformal.js';
import type { GroupEvidence } from './group-evidence.js';
import { MILLIONTHS, scoredMillionths, sumOf } from './score-sums.js';

export interface MergedEvidenceInput {
  /** Scores known to follow the null hypothesis, in [0, 1]; NaN marks an unscorable sample and is left out. */
  readonly nullScores: Float64Array;
  /** Each request's scores, in [0, 1]; NaN as above. */
  readonly requests: readonly Float64Array[];
}

const middleOf = (size: number): number => Math.ceil(size / 2);

/** What the middle p-value of `size` samples is multiplied by, in [1, 2]. @param size >= 1 */
export const mergingFactor = (size: number): number => size / middleOf(size);

/** p-values in, one out; valid whatever binds them. @param pValues at least one */
function merge(pValues: Float64Array): number {
  const { length } = pValues;
  return Math.min(1, mergingFactor(length) * pValues.sort()[middleOf(length) - 1]!);
}

/**
 * The p-values of every request against one null, both tails; 1 without samples or without a null.
 * @throws IAM_SCORE_INVALID for a score outside [0, 1]
 */
export function mergedPValues({ nullScores, requests }: MergedEvidenceInput): GroupEvidence {
  const known = ConformalNull.fit(scoredMillionths(nullScores));
  const scored = requests.map(scoredMillionths);
  const merged = (p: (score: number) => number): Float64Array =>
    Float64Array.from(scored, (scores) => (scores.length === 0 ? 1 : merge(scores.map(p))));
  return {
    statistic: scored.map((scores) =>
      scores.length === 0 ? null : sumOf(scores) / scores.length / MILLIONTHS,
    ),
    pLower: merged((score) => known.pLower(score)),
    pUpper: merged((score) => known.pUpper(score)),
    finest: merged(() => 1 / (known.size + 1)),
  };
}
