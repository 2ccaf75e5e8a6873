/** The three families of tests over the requests of one verification. Proven by verdict.spec.ts. */
import { benjaminiHochberg, clusterPValues, groupPValues } from '@app/iam';
import type { GroupEvidence } from '@app/iam';
import type { DecisionInput, DecisionThresholds } from './decision.js';

export interface Family {
  /** Per request; null where the request has no score or the null hypothesis no data. */
  readonly p: (number | null)[];
  readonly threshold: number;
}

export interface Families {
  readonly statistic: GroupEvidence['statistic'];
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

/** Tests every request against both null hypotheses. @param requests scores of each request, possibly none */
export function testRequests(input: DecisionInput, requests: readonly Float64Array[]): Families {
  const { alpha, q, seed, resamples, releaseLevel = 1 } = input.policy;
  const tested = requests.filter((scores) => scores.length > 0).length;
  const resolution = Math.min(alpha, q, releaseLevel) / Math.max(1, tested);
  const against = (null_: 'calibration' | 'controls'): GroupEvidence => {
    const test = { nullScores: input[null_], requests, seed: `${String(seed)}/${null_}` };
    return input.clusters
      ? clusterPValues({ ...test, nullCluster: input.clusters[null_] })
      : groupPValues({ ...test, resamples, resolution });
  };
  const calibration = against('calibration');
  const controls = against('controls');
  const exists = (scores: Float64Array): boolean => scores.some((score) => !Number.isNaN(score));
  const { statistic } = calibration;
  return {
    statistic,
    residual: familyOf(calibration.pLower, statistic, exists(input.calibration), q),
    over: familyOf(calibration.pUpper, statistic, exists(input.calibration), q),
    member: familyOf(controls.pUpper, statistic, exists(input.controls), q),
  };
}
