/**
 * What a verification found, in the figures that are attested and printed. Pure; proven by summary.spec.ts.
 */
import type { ScoreQuantiles } from '@app/attestation';
import { auc, type DriftCheck, type ErrorBudget, type MeasuredPower } from '@app/iam';
import type { RecordedDriftCheck } from './endpoint/drift-check.repository.js';
import type { RequestTest } from './group-test.js';
import { type ProfileFindings, warningsOf } from './profile/profile-document.js';
import type { Separations } from './profile/separation.js';
import type { UnscorableReason } from './live/unscorable-reasons.service.js';
import type { Decision, RequestDecision, ResultReason, ResultWarning, VerdictCounts } from './verdict.js';

/** What the release was held to among the releases of its model. */
export interface AttestedBudget extends Pick<ErrorBudget, 'rule' | 'target' | 'horizon' | 'epoch'> {
  /** Of the release in its epoch, from 0. */
  readonly place: number;
  readonly alarmsBefore: number;
  /** Of the release's first verification: later ones of the same release are no new releases. */
  readonly pValue: number;
  readonly level: number;
  readonly alarm: boolean;
  /** True for the verification that spent it. */
  readonly spentHere: boolean;
}

/** The drift check with which the generation began that a verification stands on. */
export interface AttestedDrift extends Pick<
  RecordedDriftCheck,
  'sampled' | 'differing' | 'largestDifference' | 'errorCode'
> {
  readonly generation: number;
  /** ISO 8601. */
  readonly checkedAt: string;
}

/** Everything of a verification's outcome that is no fact of another table; kept as JSON. */
export interface VerificationSummary {
  readonly reasons: readonly ResultReason[];
  readonly warnings: readonly ResultWarning[];
  readonly counts: { readonly requests: VerdictCounts; readonly samples: VerdictCounts };
  /** Null when no control could be scored: then the power is unknown. */
  readonly power: (MeasuredPower & { readonly confidence: number }) | null;
  readonly operatingFalsePositiveRate: number;
  /** Controls against commitments, positive = control behaves more like a member; null where one of both is missing. */
  readonly auc: number | null;
  readonly scoreQuantiles: ScoreQuantiles;
  /** Scored samples behind the null hypotheses. */
  readonly calibration: { readonly mode: 'frozen' | 'same-release'; readonly size: number };
  readonly controls: { readonly size: number };
  /** What the p-values of requests stand on; outcomes without it compared single samples. */
  readonly requestTest?: RequestTest;
  /** p of "no request left a residue", before any correction over releases. */
  readonly releasePValue: number;
  /** Null while no request of the release could be tested. */
  readonly errorBudget: AttestedBudget | null;
  /** Calibration against commitments on the OUT signals; null without commitments. */
  readonly drift: DriftCheck | null;
  /** As the profile has it; absent where that has none. */
  readonly separation?: Separations;
  /** How many references were asked through an endpoint; absent where none was. */
  readonly endpointReferences?: number;
  /** Absent where what answers for the release is not known to have changed. */
  readonly endpointDrift?: AttestedDrift;
  /** Limits to which request p-values were held. */
  readonly thresholds: RequestDecision['thresholds'] | null;
  /** Why committed samples have no score under live models; absent in old outcomes. */
  readonly unscorable?: readonly UnscorableReason[];
  readonly work: {
    readonly blocks: number;
    readonly blocksReused: number;
    /** Recorded signals read by this verification. */
    readonly signalsRead: number;
    readonly forwardPasses: number;
    /** Of the release, of the references, and signals of live models that were known before; absent in old outcomes. */
    readonly targetPasses?: number;
    readonly referencePasses?: number;
    readonly signalsReused?: number;
    /** From planning to conclusion. */
    readonly seconds: number;
  };
  /** Roots of the result tree's blocks of 4,096 leaves, base64: they let one block alone prove its leaves. */
  readonly blockRoots: readonly string[];
}

/** Confidence of the power's intervals, as `measurePower` makes them. */
const CONFIDENCE = 0.95;

/** Measured power as it is attested: null without a trial of both kinds. */
export function attestedPower(decision: Decision): VerificationSummary['power'] {
  const { perRequest, perSample } = decision.power;
  return perRequest.trials > 0 && perSample.trials > 0 ? { ...decision.power, confidence: CONFIDENCE } : null;
}

/** Among a thousand verifications of well-chosen calibration sets one warns by chance. */
const DRIFT_LEVEL = 0.001;

/** The decision's warnings, those of the profile, of calibration against commitments, and of a changed endpoint. */
export function warningsWith(
  warnings: readonly ResultWarning[],
  {
    drift,
    endpointDrift,
    ...findings
  }: Pick<VerificationSummary, 'drift' | 'endpointDrift'> & ProfileFindings,
): readonly ResultWarning[] {
  return [
    ...warnings,
    ...warningsOf(findings),
    ...(drift && drift.pValue <= DRIFT_LEVEL ? (['CALIBRATION_DRIFTED'] as const) : []),
    ...(endpointDrift ? (['ENDPOINT_DRIFTED'] as const) : []),
  ];
}

/** What is attested of the drift check that began a generation of the release's signals. */
export function attestedDrift({
  generation,
  checkedAt,
  sampled,
  differing,
  largestDifference,
  errorCode,
}: RecordedDriftCheck): AttestedDrift {
  const began = { generation: generation + 1, checkedAt: checkedAt.toISOString() };
  return { ...began, sampled, differing, largestDifference, errorCode };
}

/**
 * The chance that a random control scores more like a member (lower completeness) than a random commitment.
 * @param controls completeness `[controls]`, NaN = unscorable, left out; `commitments` likewise
 */
export function aucOfControls(controls: Float64Array, commitments: Float64Array): number | null {
  const members = controls.filter((score) => !Number.isNaN(score));
  const forgotten = commitments.filter((score) => !Number.isNaN(score));
  if (members.length === 0 || forgotten.length === 0) return null;
  const scores = new Float64Array(members.length + forgotten.length);
  scores.set(members);
  scores.set(forgotten, members.length);
  const labels = new Uint8Array(scores.length).fill(1, 0, members.length);
  return auc(
    scores.map((completeness) => 1 - completeness),
    labels,
  );
}
