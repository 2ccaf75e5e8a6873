/**
 * The rule from verdicts to the result of a release. Proven by verdict.spec.ts.
 *
 *   FAILED        some request is RESIDUAL
 *   INCONCLUSIVE  otherwise, when any {@link BlockingReason} holds
 *   PASSED        otherwise
 *
 * What INCONCLUSIVE requests do to PASSED. A request may be without answer for two reasons, and a sound release has a
 * few of both by chance, so a single one does not hold a release back:
 * - too little evidence (neither hypothesis rejected): tolerated up to the share 1 - powerFloor of the scored requests,
 *   the share that a test of just the demanded power would miss. A blind test has nothing but such requests.
 * - between members and never-trained (both rejected): the verdict is INCONCLUSIVE at level q, the release is held back
 *   only when Benjamini-Hochberg at the stricter alpha still rejects "never trained on". A sound release is therefore
 *   held back with probability at most alpha (0.01), not q.
 *
 * Samples of a request that stick together, where the profile takes single samples to be exchangeable, hold a release
 * back as well: its requests are then judged by a test that any dependence leaves valid, but how often that one finds
 * such requests, no group of unrelated controls can show.
 */
import { benjaminiHochberg, checkWithinRequestCorrelation, requiredCalibrationSize } from '@app/iam';
import type { MeasuredPower } from '@app/iam';
import type {
  BlockingReason,
  DecisionInput,
  GroupTest,
  RequestDecision,
  ResultReason,
  ResultWarning,
  VerdictCounts,
  VerificationResult,
} from './decision.js';
import { askedTest, rankLevel, scoredClusters } from './group-test.js';

/**
 * Below one half a coin would find as much as the test: an interval reaching there does not show a working test.
 * Higher would demand more than six groups of controls of an unfailing test; lower would accept three of four.
 */
const LEAST_CERTAIN_POWER = 0.5;

export interface ReleaseResult {
  readonly result: VerificationResult;
  readonly reasons: ResultReason[];
  readonly warnings: ResultWarning[];
}

/** What the rule looks at. */
export interface ReleaseFacts {
  readonly input: DecisionInput;
  readonly requests: readonly RequestDecision[];
  readonly counts: { readonly requests: VerdictCounts; readonly samples: VerdictCounts };
  readonly power: MeasuredPower;
  readonly groupTest: GroupTest;
  /** Least p of "never trained on" that each request could have got. */
  readonly finest: Float64Array;
}

/** Calibration samples or clusters, whichever is the unit of comparison. */
function calibrationUnits({ calibration, clusters }: DecisionInput): number {
  return clusters
    ? scoredClusters(calibration, clusters.calibration)
    : calibration.filter((score) => !Number.isNaN(score)).length;
}

const residualAtLevel = (requests: readonly RequestDecision[], level: number): boolean =>
  benjaminiHochberg(
    requests.map(({ pResidual }) => pResidual).filter((p) => p !== null),
    level,
  ).rejected.includes(true);

function blockingReasons({ input, requests, counts, power, groupTest }: ReleaseFacts): BlockingReason[] {
  const { alpha, powerFloor } = input.policy;
  const scored = requests.filter(({ sampleCount }) => sampleCount > 0).length;
  const { rate, low, trials } = power.perRequest;
  const asked = askedTest(input);
  const reasons: [BlockingReason, boolean][] = [
    ['NOTHING_TO_VERIFY', scored === 0 && counts.samples.UNSCORABLE === 0],
    ['UNSCORABLE_SAMPLES', counts.samples.UNSCORABLE > 0],
    ['CALIBRATION_TOO_SMALL', calibrationUnits(input) < requiredCalibrationSize(rankLevel(asked, alpha))],
    ['NO_CONTROLS', trials === 0],
    ['POWER_BELOW_FLOOR', trials > 0 && rate < powerFloor],
    ['POWER_UNCERTAIN', trials > 0 && rate >= powerFloor && low < LEAST_CERTAIN_POWER],
    ['PARTIAL_RESIDUE', residualAtLevel(requests, Math.min(alpha, input.policy.q))],
    ['SAMPLES_STICK_TOGETHER', groupTest !== asked],
    ['TOO_MANY_INCONCLUSIVE', scored - counts.requests.INCONCLUSIVE < powerFloor * scored],
  ];
  return reasons.filter(([, holds]) => holds).map(([reason]) => reason);
}

const isBetween = ({ verdict, pResidual, thresholds }: RequestDecision): boolean =>
  verdict === 'INCONCLUSIVE' && pResidual !== null && pResidual <= thresholds.residual;

/**
 * A sound release is held back by chance with this probability, as much as alpha allows beyond; a stricter level would
 * overlook weak correlation, which inflates the false discovery rate all the same (figures in the iam library's README).
 */
const CORRELATION_LEVEL = 0.01;

const meanOf = (scores: Float64Array): number => {
  let known = 0;
  for (const score of scores) if (!Number.isNaN(score)) known += 1;
  let mean = 0;
  for (const score of scores) if (!Number.isNaN(score)) mean += score / known;
  return mean;
};

/**
 * Do samples of a request stick together? Looked for apart among the requests that lie nearer to the controls and those
 * that lie nearer to the calibration set: what lies between the two is not correlation.
 */
export function samplesStickTogether(
  { calibration, controls, policy }: DecisionInput,
  scores: readonly Float64Array[],
): boolean {
  const middle = (meanOf(calibration) + meanOf(controls)) / 2;
  const isLow = scores.map((own) => (own.length > 0 ? meanOf(own) < middle : null));
  return [true, false].some((low) => {
    const alike = scores.filter((_, request) => isLow[request] === low);
    return checkWithinRequestCorrelation(alike, policy.seed, CORRELATION_LEVEL).pValue <= CORRELATION_LEVEL;
  });
}

/** Benjamini-Hochberg holds a single rejection among M tests to q/M; is there a request whose p cannot go so low? */
function loneResidueUnresolved({ input, requests, finest }: ReleaseFacts): boolean {
  const tested = requests.filter(({ pResidual }) => pResidual !== null);
  return tested.some(({ ordinal }) => finest[ordinal]! > input.policy.q / tested.length);
}

/** The result with everything that has to be said next to it. */
export function resultOf(facts: ReleaseFacts): ReleaseResult {
  const { counts, requests } = facts;
  const failed = counts.requests.RESIDUAL > 0;
  // With a residual request, "between" is no news: the release has failed on the stronger finding.
  const blocking = blockingReasons(facts).filter((reason) => !failed || reason !== 'PARTIAL_RESIDUE');
  const warnings: [ResultWarning, boolean][] = [
    ['OVER_UNLEARNED_REQUESTS', counts.requests.OVER_UNLEARNED > 0],
    ['PARTIAL_RESIDUE_SUSPECTED', requests.some(isBetween) && !blocking.includes('PARTIAL_RESIDUE')],
    ['LONE_RESIDUE_UNRESOLVED', loneResidueUnresolved(facts)],
    ['NO_LONGER_VERIFIABLE_SAMPLES', counts.samples.NO_LONGER_VERIFIABLE > 0],
  ];
  return {
    result: failed ? 'FAILED' : blocking.length > 0 ? 'INCONCLUSIVE' : 'PASSED',
    reasons: failed ? ['RESIDUAL_EVIDENCE', ...blocking] : blocking,
    warnings: warnings.filter(([, holds]) => holds).map(([warning]) => warning),
  };
}
