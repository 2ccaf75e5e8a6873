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
 */
import { benjaminiHochberg, checkWithinRequestCorrelation, requiredCalibrationSize } from '@app/iam';
import type { MeasuredPower } from '@app/iam';
import type {
  BlockingReason,
  DecisionInput,
  RequestDecision,
  ResultReason,
  ResultWarning,
  VerdictCounts,
  VerificationResult,
} from './decision.js';

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
  /** Scores of each request, by ordinal. */
  readonly scores: readonly Float64Array[];
  readonly requests: readonly RequestDecision[];
  readonly counts: { readonly requests: VerdictCounts; readonly samples: VerdictCounts };
  readonly power: MeasuredPower;
}

/** Calibration samples, or clusters that hold a median request, whichever is the unit of comparison. */
function calibrationUnits({ calibration, clusters }: DecisionInput, groupSize: number): number {
  if (!clusters) return calibration.filter((score) => !Number.isNaN(score)).length;
  const sizes = new Map<number, number>();
  calibration.forEach((score, i) => {
    const cluster = clusters.calibration[i]!;
    if (!Number.isNaN(score)) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  });
  return [...sizes.values()].filter((size) => size >= groupSize).length;
}

const residualAtLevel = (requests: readonly RequestDecision[], level: number): boolean =>
  benjaminiHochberg(
    requests.map(({ pResidual }) => pResidual).filter((p) => p !== null),
    level,
  ).rejected.includes(true);

function blockingReasons({ input, requests, counts, power }: ReleaseFacts): BlockingReason[] {
  const { alpha, powerFloor } = input.policy;
  const scored = requests.filter(({ sampleCount }) => sampleCount > 0).length;
  const { rate, low, trials, groupSize } = power.perRequest;
  const reasons: [BlockingReason, boolean][] = [
    ['NOTHING_TO_VERIFY', scored === 0 && counts.samples.UNSCORABLE === 0],
    ['UNSCORABLE_SAMPLES', counts.samples.UNSCORABLE > 0],
    ['CALIBRATION_TOO_SMALL', calibrationUnits(input, groupSize) < requiredCalibrationSize(alpha)],
    ['NO_CONTROLS', trials === 0],
    ['POWER_BELOW_FLOOR', trials > 0 && rate < powerFloor],
    ['POWER_UNCERTAIN', trials > 0 && rate >= powerFloor && low < LEAST_CERTAIN_POWER],
    ['PARTIAL_RESIDUE', residualAtLevel(requests, Math.min(alpha, input.policy.q))],
    ['TOO_MANY_INCONCLUSIVE', scored - counts.requests.INCONCLUSIVE < powerFloor * scored],
  ];
  return reasons.filter(([, holds]) => holds).map(([reason]) => reason);
}

const isBetween = ({ verdict, pResidual, thresholds }: RequestDecision): boolean =>
  verdict === 'INCONCLUSIVE' && pResidual !== null && pResidual <= thresholds.residual;

/** Among many releases one in a thousand warns by chance; a looser level would make the warning a habit. */
const CORRELATION_LEVEL = 0.001;

/**
 * Do samples of a request stick together although single samples were compared? Looked for among clean and among residual
 * requests apart: what lies between those two kinds is not correlation.
 */
function samplesStickTogether({ input, requests, scores }: ReleaseFacts): boolean {
  if (input.clusters) return false;
  return (['NO_RESIDUAL_EVIDENCE', 'RESIDUAL'] as const).some((kind) => {
    const alike = requests.filter(({ verdict }) => verdict === kind).map(({ ordinal }) => scores[ordinal]!);
    return checkWithinRequestCorrelation(alike, input.policy.seed).pValue <= CORRELATION_LEVEL;
  });
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
    ['SAMPLES_STICK_TOGETHER', samplesStickTogether(facts)],
    ['NO_LONGER_VERIFIABLE_SAMPLES', counts.samples.NO_LONGER_VERIFIABLE > 0],
  ];
  return {
    result: failed ? 'FAILED' : blocking.length > 0 ? 'INCONCLUSIVE' : 'PASSED',
    reasons: failed ? ['RESIDUAL_EVIDENCE', ...blocking] : blocking,
    warnings: warnings.filter(([, holds]) => holds).map(([warning]) => warning),
  };
}
