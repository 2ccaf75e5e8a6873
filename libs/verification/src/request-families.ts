/** The three families of tests over the requests of one verification. Proven by verdict.spec.ts. */
import {
  benjaminiHochberg,
  clusterPValues,
  groupPValues,
  mergedPValues,
  nextLevel,
  oneOfEachCluster,
  openErrorBudget,
  requiredCalibrationSize,
} from '@app/iam';
import type { GroupEvidence } from '@app/iam';
import type { DecisionInput, DecisionThresholds, GroupTest } from './decision.js';

export interface Family {
  /** Per request; null where the request has no score or the null hypothesis no data. */
  readonly p: (number | null)[];
  readonly threshold: number;
}

export interface Families {
  readonly statistic: GroupEvidence['statistic'];
  /** Least p of "never trained on" that each request could have got. */
  readonly finest: GroupEvidence['finest'];
  /** H0 "never trained on", lower tail. */
  readonly residual: Family;
  /** H0 "never trained on", upper tail. */
  readonly over: Family;
  /** H0 "still a member", upper tail. */
  readonly member: Family;
}

export const isRejected = (family: Family, ordinal: number): boolean => {
  const p = family.p[ordinal] ?? null;
  return p !== null && p <= family.threshold;
};

export const thresholdsOf = ({ residual, member, over }: Families): DecisionThresholds => ({
  residual: residual.threshold,
  member: member.threshold,
  over: over.threshold,
});

/** The p-values that exist; requests without evidence are no part of a family. */
export const existing = (p: readonly (number | null)[]): number[] => p.filter((value) => value !== null);

function familyOf(
  pValues: Float64Array,
  statistic: Families['statistic'],
  nullExists: boolean,
  q: number,
): Family {
  const p = Array.from(pValues, (value, i) => (nullExists && statistic[i] !== null ? value : null));
  return { p, threshold: benjaminiHochberg(existing(p), q).threshold };
}

/** The least an error budget without alarms grants: p-values coarser than that could not alarm late in an epoch. */
const EPOCH = openErrorBudget();
const LEAST_RELEASE_LEVEL = nextLevel({ ...EPOCH, tested: EPOCH.horizon - 1 });

/**
 * Tests every request against both null hypotheses.
 * @param requests scores of each request, possibly none
 * @param groupTest `whole-clusters` needs the input's clusters
 */
export function testRequests(
  input: DecisionInput,
  requests: readonly Float64Array[],
  groupTest: GroupTest,
): Families {
  const { alpha, q, seed, resamples, releaseLevel = LEAST_RELEASE_LEVEL } = input.policy;
  const tested = requests.filter((scores) => scores.length > 0).length;
  const against = (null_: 'calibration' | 'controls', operating: number, finest: number): GroupEvidence => {
    const test = { nullScores: input[null_], requests, seed: `${String(seed)}/${null_}` };
    switch (groupTest) {
      case 'single-samples':
        return groupPValues({
          ...test,
          resamples,
          resolution: finest / Math.max(1, tested),
          // "Still a member" has no lower tail.
          ...(null_ === 'controls' ? { resolved: ['upper'] } : {}),
        });
      case 'whole-clusters': {
        const leastClusters = requiredCalibrationSize(operating);
        return clusterPValues({ ...test, nullCluster: input.clusters![null_], leastClusters });
      }
      case 'any-dependence': {
        const { nullScores, seed: stream } = test;
        const cluster = input.clusters?.[null_];
        return mergedPValues({
          requests,
          nullScores: cluster ? oneOfEachCluster(nullScores, cluster, stream) : nullScores,
        });
      }
    }
  };
  const calibration = against('calibration', alpha, Math.min(alpha, q, releaseLevel));
  const controls = against('controls', q, Math.min(alpha, q));
  const exists = (scores: Float64Array): boolean => scores.some((score) => !Number.isNaN(score));
  const { statistic, finest } = calibration;
  return {
    statistic,
    finest,
    residual: familyOf(calibration.pLower, statistic, exists(input.calibration), q),
    over: familyOf(calibration.pUpper, statistic, exists(input.calibration), q),
    member: familyOf(controls.pUpper, statistic, exists(input.controls), q),
  };
}
