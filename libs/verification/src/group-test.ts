/** What the p-values of requests stand on, in figures and in words. Proven by verdict.spec.ts and explanation.spec.ts. */
import type { DecisionInput, GroupTest } from './decision.js';

/** The test of one verification, as it is attested. */
export interface RequestTest {
  readonly groupTest: GroupTest;
  /** Clusters with a scored sample; absent where none were registered or single samples were compared. */
  readonly clusters?: { readonly calibration: number; readonly controls: number };
}

/** Of outcomes that say nothing else. */
export const SINGLE_SAMPLES: RequestTest = { groupTest: 'single-samples' };

/** The test that a decision was asked for; {@link SINGLE_SAMPLES} alone gives way to another. */
export const askedTest = ({ policy, clusters }: Pick<DecisionInput, 'policy' | 'clusters'>): GroupTest =>
  policy.groupTest ?? (clusters ? 'whole-clusters' : 'single-samples');

/**
 * The level at which the rank of one thing among the null's has to lie for a request to be found at `level`, whatever
 * its size: the merged test doubles p at most.
 */
export const rankLevel = (test: GroupTest, level: number): number =>
  test === 'any-dependence' ? level / 2 : level;

/** The assumption under which the false discovery rate holds, for people who rely on the verdicts. */
const ASSUMPTIONS: Readonly<Record<GroupTest, string>> = {
  'single-samples':
    'Under each null hypothesis every committed sample is exchangeable with every calibration sample (every control); samples of one deletion request do not stick together.',
  'whole-clusters':
    'Under each null hypothesis every deletion request is exchangeable with every cluster of calibration samples (of controls), whatever binds the samples inside.',
  'any-dependence':
    'Under each null hypothesis a committed sample is exchangeable with the calibration samples (the controls), or with one of each cluster where these come in clusters; the samples of one deletion request may depend on each other in any way.',
};

/** How a request was compared, as one sentence of an explanation. */
export const COMPARISONS: Readonly<Record<GroupTest, string>> = {
  'single-samples':
    'The request was compared with groups of as many single samples, drawn at random: its samples are taken to be unrelated to each other.',
  'whole-clusters':
    'The request was compared as a whole with whole clusters of related samples, so that what its samples have in common does not count against it.',
  'any-dependence':
    'Each sample of the request was compared alone, and the middle one of the p-values, at most doubled, counts: ' +
    'that holds however the samples depend on each other.',
};

/** Where the profile's test did not hold. */
export const FELL_BACK =
  'The profile takes samples of one request to be unrelated, but here they resemble each other more than chance allows.';

export interface DescribedTest extends RequestTest {
  /** The exchangeability assumption, in words. */
  readonly assumption: string;
}

export const describeTest = (test: RequestTest = SINGLE_SAMPLES): DescribedTest => ({
  ...test,
  assumption: ASSUMPTIONS[test.groupTest],
});

/** Clusters of which at least one sample has a score. */
export const scoredClusters = (scores: Float64Array, cluster: Int32Array): number =>
  new Set(cluster.filter((_, i) => !Number.isNaN(scores[i]!))).size;
