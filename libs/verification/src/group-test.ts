/** What the p-values of requests stand on, in figures and in words. Proven by verdict.spec.ts and explanation.spec.ts. */
import type { GroupTest } from './decision.js';

/** The test of one verification, as it is attested. */
export interface RequestTest {
  readonly groupTest: GroupTest;
  /** Clusters with a scored sample; absent unless whole clusters were compared. */
  readonly clusters?: { readonly calibration: number; readonly controls: number };
}

/** Of outcomes that say nothing else. */
export const SINGLE_SAMPLES: RequestTest = { groupTest: 'single-samples' };

/** The assumption under which the false discovery rate holds, for people who rely on the verdicts. */
const ASSUMPTIONS: Readonly<Record<GroupTest, string>> = {
  'single-samples':
    'Under each null hypothesis every committed sample is exchangeable with every calibration sample (every control); samples of one deletion request do not stick together.',
  'whole-clusters':
    'Under each null hypothesis every deletion request is exchangeable with every cluster of calibration samples (of controls), whatever binds the samples inside.',
  'any-dependence':
    'Under each null hypothesis a committed sample is exchangeable with the calibration samples (the controls); the samples of one deletion request may depend on each other in any way.',
};

/** How a request was compared, as one sentence of an explanation. */
export const COMPARISONS: Readonly<Record<GroupTest, string>> = {
  'single-samples':
    'The request was compared with groups of as many single samples, drawn at random: its samples are taken to be unrelated to each other.',
  'whole-clusters':
    'The request was compared as a whole with whole clusters of related samples, so that what its samples have in common does not count against it.',
  'any-dependence':
    'Samples of one request resemble each other here more than chance allows, and no clusters were registered to compare with: ' +
    'each sample was compared alone, and the middle one of the p-values, at most doubled, counts.',
};

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
