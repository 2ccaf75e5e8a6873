/**
 * The decision of a verification: scores in, verdicts and result out. Pure; proven by verdict.spec.ts.
 *
 * The unit of decision is the deletion request. Two null hypotheses are tested for each, by permutation p-values of
 * the mean completeness score of its samples (see `groupPValues` of the iam library):
 *   H0 "never trained on", from the calibration set; lower tail = residual evidence, upper tail = over-unlearned
 *   H0 "still a member", from the controls; upper tail = no longer a member
 * each of the three families at Benjamini-Hochberg level q over the requests. Where the policy says so, requests are
 * ranked among whole clusters (`clusterPValues`), or the p-values of a request's samples are merged by a rule that holds
 * under any dependence (`mergedPValues`), as they are where single samples were to be compared and turn out to stick together.
 *
 *   | never trained on | still a member | verdict                            |
 *   | ---------------- | -------------- | ---------------------------------- |
 *   | rejected low     | not rejected   | RESIDUAL                           |
 *   | not rejected     | rejected       | NO_RESIDUAL_EVIDENCE               |
 *   | rejected high    | any            | OVER_UNLEARNED                     |
 *   | rejected low     | rejected       | INCONCLUSIVE (between the two)     |
 *   | not rejected     | not rejected   | INCONCLUSIVE (too little evidence) |
 *
 * How verdicts make a result is the rule of ./release-result.ts.
 */
import { ConformalNull, measurePower, oneOfEachCluster, simesPValue, toMillionths } from '@app/iam';
import { invariant } from '@app/errors';
import type {
  Decision,
  DecisionInput,
  GroupTest,
  LeafStatus,
  RequestDecision,
  RequestVerdict,
  SampleVerdict,
  VerdictCounts,
} from './decision.js';
import { askedTest } from './group-test.js';
import { resultOf, samplesStickTogether } from './release-result.js';
import { existing, isRejected, testRequests, thresholdsOf } from './request-families.js';
import type { Families } from './request-families.js';
import { SampleDecisions } from './sample-decisions.js';

export type * from './decision.js';

type Leaves = DecisionInput['leaves'];

const VERDICT_OF_STATUS = {
  unscorable: 'UNSCORABLE',
  'no-longer-verifiable': 'NO_LONGER_VERIFIABLE',
  'not-applicable': 'NOT_APPLICABLE',
} as const;

const asAttested = (score: number): number => (Number.isNaN(score) ? score : toMillionths(score) / 1e6);

/** A scored leaf whose score is NaN is unscorable: what is not a number cannot become evidence. */
function effectiveStatuses({ status, score }: Leaves): readonly LeafStatus[] {
  const isWrong = (known: LeafStatus, leaf: number) => known === 'scored' && Number.isNaN(score[leaf]);
  if (!status.some(isWrong)) return status;
  return status.map((known, leaf) => (isWrong(known, leaf) ? 'unscorable' : known));
}

interface GatheredRequest {
  /** Those that exist, in leaf order. */
  readonly scores: Float64Array;
  readonly unscored: Set<SampleVerdict>;
}

function gatherRequests(
  { requestOrdinal, score }: Leaves,
  statuses: readonly LeafStatus[],
): GatheredRequest[] {
  const sizes: number[] = [];
  statuses.forEach((status, leaf) => {
    const ordinal = requestOrdinal[leaf]!;
    sizes[ordinal] = (sizes[ordinal] ?? 0) + (status === 'scored' ? 1 : 0);
  });
  for (let ordinal = 0; ordinal < sizes.length; ordinal++) {
    invariant(ordinal in sizes, 'request ordinals are dense from 0');
  }
  const requests = sizes.map((size) => ({
    scores: new Float64Array(size),
    unscored: new Set<SampleVerdict>(),
  }));
  const filled = new Int32Array(sizes.length);
  statuses.forEach((status, leaf) => {
    const ordinal = requestOrdinal[leaf]!;
    const request = requests[ordinal]!;
    if (status === 'scored') request.scores[filled[ordinal]!++] = score[leaf]!;
    else request.unscored.add(VERDICT_OF_STATUS[status]);
  });
  return requests;
}

/** Without any score the gravest of the leaves' verdicts speaks for the request. */
const verdictWithoutScore = ({ unscored }: GatheredRequest): RequestVerdict =>
  (['UNSCORABLE', 'NO_LONGER_VERIFIABLE'] as const).find((verdict) => unscored.has(verdict)) ??
  'NOT_APPLICABLE';

function verdictOf(families: Families, ordinal: number): RequestVerdict {
  if (isRejected(families.over, ordinal)) return 'OVER_UNLEARNED';
  const residual = isRejected(families.residual, ordinal);
  const noMember = isRejected(families.member, ordinal);
  if (residual === noMember) return 'INCONCLUSIVE';
  return residual ? 'RESIDUAL' : 'NO_RESIDUAL_EVIDENCE';
}

function decideRequests(gathered: readonly GatheredRequest[], families: Families): RequestDecision[] {
  const thresholds = thresholdsOf(families);
  return gathered.map((request, ordinal) => ({
    ordinal,
    verdict: request.scores.length === 0 ? verdictWithoutScore(request) : verdictOf(families, ordinal),
    statistic: families.statistic[ordinal] ?? null,
    sampleCount: request.scores.length,
    pResidual: families.residual.p[ordinal] ?? null,
    pMember: families.member.p[ordinal] ?? null,
    pOver: families.over.p[ordinal] ?? null,
    thresholds,
  }));
}

interface TestedRequests {
  readonly groupTest: GroupTest;
  readonly families: Families;
  readonly requests: readonly RequestDecision[];
}

/** The test of the profile, or the one that any dependence leaves valid where that one does not hold. */
function decideByHoldingTest(
  input: DecisionInput,
  gathered: readonly GatheredRequest[],
  scores: readonly Float64Array[],
): TestedRequests {
  const asked = askedTest(input);
  const holds = asked !== 'single-samples' || !samplesStickTogether(input, scores);
  const groupTest = holds ? asked : 'any-dependence';
  const families = testRequests(input, scores, groupTest);
  return { groupTest, families, requests: decideRequests(gathered, families) };
}

/** What a single sample is ranked among: of samples that stick together one of each cluster. */
function nullOfSamples(input: DecisionInput, null_: 'calibration' | 'controls'): ConformalNull {
  const { clusters, policy } = input;
  const scores = input[null_];
  if (!clusters) return ConformalNull.fit(scores);
  return ConformalNull.fit(oneOfEachCluster(scores, clusters[null_], `${String(policy.seed)}/${null_}`));
}

function decideSamples(
  input: DecisionInput,
  statuses: readonly LeafStatus[],
  requests: readonly RequestDecision[],
): SampleDecisions {
  const { leaves } = input;
  const neverTrained = nullOfSamples(input, 'calibration');
  const members = nullOfSamples(input, 'controls');
  const samples = new SampleDecisions(statuses.length);
  statuses.forEach((status, leaf) => {
    if (status !== 'scored') {
      samples.set(leaf, { verdict: VERDICT_OF_STATUS[status], pResidual: null, pMember: null });
      return;
    }
    const score = leaves.score[leaf]!;
    samples.set(leaf, {
      verdict: requests[leaves.requestOrdinal[leaf]!]!.verdict,
      pResidual: neverTrained.size === 0 ? null : neverTrained.pLower(score),
      pMember: members.size === 0 ? null : members.pUpper(score),
    });
  });
  return samples;
}

function countVerdicts(decisions: Iterable<{ readonly verdict: RequestVerdict }>): VerdictCounts {
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

/** The lower median of the scored requests' sizes: of two middle ones the smaller, so that power is not flattered. */
function medianSize(requests: readonly RequestDecision[]): number {
  const sizes = requests
    .map(({ sampleCount }) => sampleCount)
    .filter((size) => size > 0)
    .sort((a, b) => a - b);
  return sizes[Math.floor((sizes.length - 1) / 2)] ?? 1;
}

/**
 * Decides a verification. Scores are used in millionths, as they are attested, so that the decision can be recomputed
 * from the attested numbers. Deterministic in its input; no output is ever NaN. Without commitments, calibration or
 * controls there are verdicts and a result all the same: see {@link BlockingReason}.
 * @throws IAM_SCORE_INVALID for a score outside [0, 1]; IAM_PARAMETER_OUT_OF_RANGE for a policy outside its ranges
 */
export function decide(unrounded: DecisionInput): Decision {
  const { policy, leaves } = unrounded;
  const count = leaves.status.length;
  invariant(
    leaves.requestOrdinal.length === count && leaves.score.length === count,
    'leaf arrays run in parallel',
  );
  const statuses = effectiveStatuses(leaves);
  const score = leaves.score.map((one, leaf) => (statuses[leaf] === 'scored' ? asAttested(one) : NaN));
  const input: DecisionInput = {
    ...unrounded,
    calibration: unrounded.calibration.map(asAttested),
    controls: unrounded.controls.map(asAttested),
    leaves: { ...leaves, score },
  };
  const gathered = gatherRequests(input.leaves, statuses);
  const requestScores = gathered.map(({ scores }) => scores);
  const { groupTest, families, requests } = decideByHoldingTest(input, gathered, requestScores);
  const samples = decideSamples(input, statuses, requests);
  const counts = { requests: countVerdicts(requests), samples: countVerdicts(samples) };
  const power = measurePower({
    calibration: input.calibration,
    controls: input.controls,
    alpha: policy.alpha,
    groupSize: medianSize(requests),
    seed: policy.seed,
    resamples: policy.resamples,
    merged: groupTest === 'any-dependence',
    ...(input.clusters ? { clusters: input.clusters } : {}),
  });
  return {
    ...resultOf({ input, requests, counts, power, groupTest, finest: families.finest }),
    groupTest,
    requests: [...requests],
    samples,
    power,
    operatingFalsePositiveRate: policy.alpha,
    releasePValue: simesPValue(existing(families.residual.p)),
    counts,
  };
}
