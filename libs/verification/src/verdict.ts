/**
 * The decision of a verification: scores in, verdicts and result out. Pure; proven by verdict.spec.ts.
 *
 * The unit of decision is the deletion request. Two null hypotheses are tested for each, by permutation p-values of
 * the mean completeness score of its samples (see `groupPValues` of the iam library):
 *   H0 "never trained on", from the calibration set; lower tail = residual evidence, upper tail = over-unlearned
 *   H0 "still a member", from the controls; upper tail = no longer a member
 * each of the three families at Benjamini-Hochberg level q over the requests.
 *
 *   | never trained on | still a member | verdict              |
 *   | rejected low     | not rejected   | RESIDUAL             |
 *   | not rejected     | rejected       | NO_RESIDUAL_EVIDENCE |
 *   | rejected high    | (any)          | OVER_UNLEARNED       |
 *   | rejected low     | rejected       | INCONCLUSIVE (between the two) |
 *   | not rejected     | not rejected   | INCONCLUSIVE (too little evidence) |
 *
 * The result of the release, first line that applies:
 *   FAILED        some request is RESIDUAL
 *   INCONCLUSIVE  any blocking reason of {@link BlockingReason}
 *   PASSED        otherwise
 */
import {
  benjaminiHochberg,
  ConformalNull,
  groupPValues,
  measurePower,
  requiredCalibrationSize,
} from '@app/iam';
import type { GroupEvidence, MeasuredPower } from '@app/iam';
import { invariant } from '@app/errors';

export type RequestVerdict =
  | 'NO_RESIDUAL_EVIDENCE'
  | 'RESIDUAL'
  | 'OVER_UNLEARNED'
  | 'INCONCLUSIVE'
  | 'UNSCORABLE'
  | 'NO_LONGER_VERIFIABLE'
  | 'NOT_APPLICABLE';

/** A leaf with a score carries its request's verdict; the last three verdicts are decided per sample. */
export type SampleVerdict = RequestVerdict;

export type LeafStatus = 'scored' | 'unscorable' | 'no-longer-verifiable' | 'not-applicable';

export type VerificationResult = 'PASSED' | 'FAILED' | 'INCONCLUSIVE';

/** Why a release without a residual request still does not pass. */
export type BlockingReason =
  /** No leaf is in scope (all are NOT_APPLICABLE or NO_LONGER_VERIFIABLE, or there is none): nothing was checked. */
  | 'NOTHING_TO_VERIFY'
  /** Some committed sample could not be scored, so "all" would be untrue. */
  | 'UNSCORABLE_SAMPLES'
  /** Fewer calibration scores than alpha needs: no single sample could ever be found. */
  | 'CALIBRATION_TOO_SMALL'
  /** No group of controls: whether the test can find a member was not measured. */
  | 'NO_CONTROLS'
  /** The measured per-request power lies below the policy's floor: the test is (nearly) blind. */
  | 'POWER_BELOW_FLOOR'
  /** The power's interval reaches below one half: too few controls to know that the test is not blind. */
  | 'POWER_UNCERTAIN'
  /** Some request lies significantly below the never-trained samples, though above the members. */
  | 'PARTIAL_RESIDUE'
  /** More requests are without an answer than a test of the demanded power would leave. */
  | 'TOO_MANY_INCONCLUSIVE';

export type ResultReason = 'RESIDUAL_EVIDENCE' | BlockingReason;

/** What does not change the result but has to be said next to it. */
export type ResultWarning =
  /** Some request behaves worse than any never-trained sample does (the Streisand effect). */
  | 'OVER_UNLEARNED_REQUESTS'
  /** Some committed samples can no longer be checked (payload erased, model retired). */
  | 'NO_LONGER_VERIFIABLE_SAMPLES';

export interface DecisionPolicy {
  /** Operating false-positive rate at which power is measured, in (0, 1). */
  readonly alpha: number;
  /** Benjamini-Hochberg level over requests, in (0, 1). */
  readonly q: number;
  /** Draws of the permutation test, >= 1. */
  readonly resamples: number;
  readonly seed: string | number;
  /** Least measured per-request power of a PASSED release, in [0, 1]. */
  readonly powerFloor: number;
}

export interface DecisionInput {
  readonly policy: DecisionPolicy;
  /** Completeness scores of never-trained samples, [0, 1]; NaN = unscorable, left out. */
  readonly calibration: Float64Array;
  /** Completeness scores of samples known to be trained on, under this release; NaN as above. */
  readonly controls: Float64Array;
  /** Entry i belongs to leaf i of the commitment log. */
  readonly leaves: {
    /** Dense from 0, any order. */
    readonly requestOrdinal: Int32Array;
    /** [0, 1]; read only where the status is 'scored'. A NaN there makes the leaf unscorable. */
    readonly score: Float64Array;
    readonly status: readonly LeafStatus[];
  };
}

export interface RequestDecision {
  readonly ordinal: number;
  readonly verdict: RequestVerdict;
  /** Mean score of the request's scored samples, in [0, 1]; null without one. */
  readonly statistic: number | null;
  /** Scored samples. */
  readonly sampleCount: number;
  /** p of "never trained on", lower tail; null without a scored sample or without calibration. */
  readonly pResidual: number | null;
  /** p of "still a member"; null without a scored sample or without controls. */
  readonly pMember: number | null;
  /** p of "never trained on", upper tail; null as pResidual. */
  readonly pOver: number | null;
  readonly thresholds: DecisionThresholds;
}

/** A p-value is rejected exactly when it is at most its family's limit. */
export interface DecisionThresholds {
  readonly residual: number;
  readonly member: number;
  readonly over: number;
}

export interface SampleDecision {
  readonly verdict: SampleVerdict;
  readonly pResidual: number | null;
  readonly pMember: number | null;
}

export type VerdictCounts = Readonly<Record<RequestVerdict, number>>;

export interface Decision {
  readonly result: VerificationResult;
  /** Empty exactly for PASSED. */
  readonly reasons: ResultReason[];
  readonly warnings: ResultWarning[];
  readonly requests: RequestDecision[];
  readonly samples: SampleDecision[];
  readonly power: MeasuredPower;
  readonly operatingFalsePositiveRate: number;
  readonly counts: { readonly requests: VerdictCounts; readonly samples: VerdictCounts };
}

/**
 * Below one half a coin would find as much as the test: an interval reaching there does not show a working test.
 * Higher would demand more than six groups of controls of an unfailing test; lower would accept three of four.
 */
const LEAST_CERTAIN_POWER = 0.5;

const VERDICT_OF_STATUS = {
  unscorable: 'UNSCORABLE',
  'no-longer-verifiable': 'NO_LONGER_VERIFIABLE',
  'not-applicable': 'NOT_APPLICABLE',
} as const;

const MILLIONTHS = 1e6;
const toMillionths = (scores: Float64Array): Float64Array =>
  scores.map((score) => Math.round(score * MILLIONTHS) / MILLIONTHS);

/** The scores of each request and, for a request without any, the verdict its leaves leave it. */
interface RequestSamples {
  readonly scores: Float64Array[];
  readonly withoutScore: (RequestVerdict | null)[];
}

/** A scored leaf with a NaN score is unscorable: a number that is none can not become evidence. */
const statusOf = (leaves: DecisionInput['leaves'], leaf: number): LeafStatus => {
  const status = leaves.status[leaf]!;
  return status === 'scored' && Number.isNaN(leaves.score[leaf]) ? 'unscorable' : status;
};

/** Of the statuses of a request without any score, the one that says most: a gap before an erasure before a no. */
const strongestOf = (verdicts: ReadonlySet<SampleVerdict>): RequestVerdict =>
  (['UNSCORABLE', 'NO_LONGER_VERIFIABLE', 'NOT_APPLICABLE'] as const).find((verdict) =>
    verdicts.has(verdict),
  ) ?? 'NOT_APPLICABLE';

function gatherRequests(leaves: DecisionInput['leaves'], statuses: readonly LeafStatus[]): RequestSamples {
  const scored: number[][] = [];
  const others: Set<SampleVerdict>[] = [];
  statuses.forEach((status, leaf) => {
    const ordinal = leaves.requestOrdinal[leaf]!;
    const scores = (scored[ordinal] ??= []);
    const verdicts = (others[ordinal] ??= new Set());
    if (status === 'scored') scores.push(leaves.score[leaf]!);
    else verdicts.add(VERDICT_OF_STATUS[status]);
  });
  invariant(!scored.includes(undefined as never), 'request ordinals are dense from 0');
  return {
    scores: scored.map((scores) => Float64Array.from(scores)),
    withoutScore: scored.map((scores, ordinal) =>
      scores.length === 0 ? strongestOf(others[ordinal]!) : null,
    ),
  };
}

interface Family {
  readonly p: Float64Array;
  /** Per request; false where the request has no score or the null hypothesis no data. */
  readonly rejected: boolean[];
  readonly threshold: number;
}

/** Benjamini-Hochberg over the requests that have evidence; the others are no part of the family. */
function decideFamily(p: Float64Array, hasEvidence: readonly boolean[], q: number): Family {
  const { threshold } = benjaminiHochberg(
    p.filter((_, i) => hasEvidence[i]!),
    q,
  );
  return { p, threshold, rejected: hasEvidence.map((has, i) => has && p[i]! <= threshold) };
}

interface Families {
  readonly statistic: GroupEvidence['statistic'];
  readonly residual: Family;
  readonly over: Family;
  readonly member: Family;
}

function testRequests(input: DecisionInput, requests: readonly Float64Array[]): Families {
  const { q, seed, resamples } = input.policy;
  const scoredRequests = requests.filter((scores) => scores.length > 0).length;
  const common = { requests, resamples, resolution: q / Math.max(1, scoredRequests) };
  const calibration = groupPValues({
    ...common,
    nullScores: input.calibration,
    seed: `${String(seed)}/calibration`,
  });
  const controls = groupPValues({ ...common, nullScores: input.controls, seed: `${String(seed)}/controls` });
  const has = (nullScores: Float64Array): boolean[] => {
    const nullExists = nullScores.some((score) => !Number.isNaN(score));
    return requests.map((scores) => nullExists && scores.length > 0);
  };
  return {
    statistic: calibration.statistic,
    residual: decideFamily(calibration.pLower, has(input.calibration), q),
    over: decideFamily(calibration.pUpper, has(input.calibration), q),
    member: decideFamily(controls.pUpper, has(input.controls), q),
  };
}

function verdictOf(families: Families, ordinal: number): RequestVerdict {
  if (families.over.rejected[ordinal]) return 'OVER_UNLEARNED';
  const residual = families.residual.rejected[ordinal]!;
  const noMember = families.member.rejected[ordinal]!;
  if (residual === noMember) return 'INCONCLUSIVE';
  return residual ? 'RESIDUAL' : 'NO_RESIDUAL_EVIDENCE';
}

function decideRequests(
  requests: RequestSamples,
  families: Families,
  known: { readonly calibration: boolean; readonly controls: boolean },
): RequestDecision[] {
  const thresholds = {
    residual: families.residual.threshold,
    member: families.member.threshold,
    over: families.over.threshold,
  };
  return requests.scores.map((scores, ordinal) => {
    const fromCalibration = scores.length > 0 && known.calibration;
    return {
      ordinal,
      verdict: requests.withoutScore[ordinal] ?? verdictOf(families, ordinal),
      statistic: families.statistic[ordinal]!,
      sampleCount: scores.length,
      pResidual: fromCalibration ? families.residual.p[ordinal]! : null,
      pMember: scores.length > 0 && known.controls ? families.member.p[ordinal]! : null,
      pOver: fromCalibration ? families.over.p[ordinal]! : null,
      thresholds,
    };
  });
}

function decideSamples(
  input: DecisionInput,
  statuses: readonly LeafStatus[],
  requests: readonly RequestDecision[],
): SampleDecision[] {
  const neverTrained = ConformalNull.fit(input.calibration);
  const members = ConformalNull.fit(input.controls);
  return statuses.map((status, leaf) => {
    if (status !== 'scored') return { verdict: VERDICT_OF_STATUS[status], pResidual: null, pMember: null };
    const score = input.leaves.score[leaf]!;
    return {
      verdict: requests[input.leaves.requestOrdinal[leaf]!]!.verdict,
      pResidual: neverTrained.size === 0 ? null : neverTrained.pLower(score),
      pMember: members.size === 0 ? null : members.pUpper(score),
    };
  });
}

function countVerdicts(decisions: readonly { readonly verdict: RequestVerdict }[]): VerdictCounts {
  const counts = {
    NO_RESIDUAL_EVIDENCE: 0,
    RESIDUAL: 0,
    OVER_UNLEARNED: 0,
    INCONCLUSIVE: 0,
    UNSCORABLE: 0,
    NO_LONGER_VERIFIABLE: 0,
    NOT_APPLICABLE: 0,
  };
  for (const { verdict } of decisions) counts[verdict]++;
  return counts;
}

/** The lower median of the scored requests' sizes: of two middle ones the smaller, so power is not flattered. */
function medianSize(requests: readonly Float64Array[]): number {
  const sizes = requests
    .map((scores) => scores.length)
    .filter((size) => size > 0)
    .sort((a, b) => a - b);
  return sizes[Math.floor((sizes.length - 1) / 2)] ?? 1;
}

const isPartialResidue = (request: RequestDecision): boolean =>
  request.verdict === 'INCONCLUSIVE' &&
  request.pResidual !== null &&
  request.pResidual <= request.thresholds.residual;

function blockingReasons(
  input: DecisionInput,
  requests: readonly RequestDecision[],
  samples: VerdictCounts,
  power: MeasuredPower,
): BlockingReason[] {
  const { alpha, powerFloor } = input.policy;
  const scored = requests.filter(({ sampleCount }) => sampleCount > 0);
  const inconclusive = scored.filter(({ verdict }) => verdict === 'INCONCLUSIVE').length;
  const calibrationSize = input.calibration.filter((score) => !Number.isNaN(score)).length;
  const { rate, low, trials } = power.perRequest;
  const reasons: [BlockingReason, boolean][] = [
    ['NOTHING_TO_VERIFY', scored.length === 0 && samples.UNSCORABLE === 0],
    ['UNSCORABLE_SAMPLES', samples.UNSCORABLE > 0],
    ['CALIBRATION_TOO_SMALL', calibrationSize < requiredCalibrationSize(alpha)],
    ['NO_CONTROLS', trials === 0],
    ['POWER_BELOW_FLOOR', trials > 0 && rate < powerFloor],
    ['POWER_UNCERTAIN', trials > 0 && rate >= powerFloor && low < LEAST_CERTAIN_POWER],
    ['PARTIAL_RESIDUE', scored.some(isPartialResidue)],
    ['TOO_MANY_INCONCLUSIVE', inconclusive > (1 - powerFloor) * scored.length],
  ];
  return reasons.filter(([, applies]) => applies).map(([reason]) => reason);
}

/**
 * Decides a verification. Scores are used in millionths, as they are attested, so that the decision can be recomputed
 * from the attested numbers. Deterministic in its input; no output is ever NaN.
 */
export function decide(unrounded: DecisionInput): Decision {
  const input = {
    policy: unrounded.policy,
    calibration: toMillionths(unrounded.calibration),
    controls: toMillionths(unrounded.controls),
    leaves: { ...unrounded.leaves, score: toMillionths(unrounded.leaves.score) },
  };
  const { leaves, policy } = input;
  invariant(
    leaves.requestOrdinal.length === leaves.score.length && leaves.status.length === leaves.score.length,
    'leaf arrays run in parallel',
  );
  const statuses = leaves.status.map((_, leaf) => statusOf(leaves, leaf));
  const gathered = gatherRequests(leaves, statuses);
  const families = testRequests(input, gathered.scores);
  const known = {
    calibration: input.calibration.some((score) => !Number.isNaN(score)),
    controls: input.controls.some((score) => !Number.isNaN(score)),
  };
  const requests = decideRequests(gathered, families, known);
  const samples = decideSamples(input, statuses, requests);
  const counts = { requests: countVerdicts(requests), samples: countVerdicts(samples) };
  const power = measurePower({
    calibration: input.calibration,
    controls: input.controls,
    alpha: policy.alpha,
    groupSize: medianSize(gathered.scores),
    seed: policy.seed,
    resamples: policy.resamples,
  });
  const blocking = blockingReasons(input, requests, counts.samples, power);
  const failed = counts.requests.RESIDUAL > 0;
  const warnings: ResultWarning[] = [];
  if (counts.requests.OVER_UNLEARNED > 0) warnings.push('OVER_UNLEARNED_REQUESTS');
  if (counts.samples.NO_LONGER_VERIFIABLE > 0) warnings.push('NO_LONGER_VERIFIABLE_SAMPLES');
  return {
    result: failed ? 'FAILED' : blocking.length > 0 ? 'INCONCLUSIVE' : 'PASSED',
    reasons: failed ? ['RESIDUAL_EVIDENCE', ...blocking] : blocking,
    warnings,
    requests,
    samples,
    power,
    operatingFalsePositiveRate: policy.alpha,
    counts,
  };
}
