/** The vocabulary of a decision: what goes into {@link decide} of ./verdict.js and what comes out. */
import type { MeasuredPower } from '@app/iam';
import type { SampleDecisions } from './sample-decisions.js';

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

/**
 * What the p-values of requests take to be exchangeable under a null hypothesis. A profile freezes one; the last is also
 * what a verification falls back to where `single-samples` turns out not to hold.
 *   single-samples   all committed samples and all samples of the null set
 *   whole-clusters   each request and each cluster of the null set, whatever binds the samples inside
 *   any-dependence   one committed sample and those of the null set (of clusters one each); how the samples of a request
 *                    depend on each other is left open
 */
export type GroupTest = 'single-samples' | 'whole-clusters' | 'any-dependence';

/** Why a release without a residual request still does not pass. */
export type BlockingReason =
  /** No leaf has a score to decide on and none failed to get one: nothing was checked. */
  | 'NOTHING_TO_VERIFY'
  /** Some committed sample could not be scored, so "all" would be untrue. */
  | 'UNSCORABLE_SAMPLES'
  /** Fewer calibration samples (or clusters) than alpha needs: nothing could ever be found. */
  | 'CALIBRATION_TOO_SMALL'
  /** No group of controls: whether the test can find a member was not measured. */
  | 'NO_CONTROLS'
  /** The measured per-request power lies below the policy's floor: the test is (nearly) blind. */
  | 'POWER_BELOW_FLOOR'
  /** The power's interval reaches below one half: too few controls to know that the test is not blind. */
  | 'POWER_UNCERTAIN'
  /** Some request lies so far below the never-trained samples that a sound release shows it with chance <= alpha. */
  | 'PARTIAL_RESIDUE'
  /**
   * Samples of a request vary together although single samples were to be compared: power, measured on groups of
   * strangers, says nothing then. Freeze a profile that compares whole clusters, or one for any dependence.
   */
  | 'SAMPLES_STICK_TOGETHER'
  /** More requests are without an answer than a test of the demanded power would leave. */
  | 'TOO_MANY_INCONCLUSIVE';

export type ResultReason = 'RESIDUAL_EVIDENCE' | BlockingReason;

/** What does not change the result but has to be said next to it. */
export type ResultWarning =
  /** Some request behaves worse than any never-trained sample does (the Streisand effect). */
  | 'OVER_UNLEARNED_REQUESTS'
  /** Some request lies below the never-trained samples at level q, yet above the members and not at level alpha. */
  | 'PARTIAL_RESIDUE_SUSPECTED'
  /** The calibration set cannot tell one residual request among so many sound ones: its p-values are too coarse. */
  | 'LONE_RESIDUE_UNRESOLVED'
  /** Calibration samples and commitments differ under models that saw neither: p-values compare unlike things. */
  | 'CALIBRATION_DRIFTED'
  /** The profile says that the original model does not know the calibration samples as it knows the controls. */
  | 'CALIBRATION_UNKNOWN_TO_ORIGINAL'
  /** The profile says that a reference was asked through an endpoint. */
  | 'REFERENCE_BEHIND_ENDPOINT'
  /** What answers behind the release's endpoint has changed since the release was registered. */
  | 'ENDPOINT_DRIFTED'
  /** Some committed samples can no longer be checked (payload erased). */
  | 'NO_LONGER_VERIFIABLE_SAMPLES';

export interface DecisionPolicy {
  /** Operating false-positive rate: power is measured at it, and a sound release is held back with chance <= alpha. */
  readonly alpha: number;
  /** Benjamini-Hochberg level over requests, in (0, 1). */
  readonly q: number;
  /** Draws of the permutation test, >= 1. */
  readonly resamples: number;
  /** Default: `whole-clusters` where clusters are given, else `single-samples`. */
  readonly groupTest?: GroupTest;
  readonly seed: string | number;
  /** Least measured per-request power of a PASSED release, in [0, 1]. */
  readonly powerFloor: number;
  /**
   * Level the error budget holds this release's p-value to, in (0, 1): p-values are resolved down to it. Default: the
   * least level that a budget without alarms grants.
   */
  readonly releaseLevel?: number;
}

/**
 * The documented defaults. alpha 0.01: power at a looser rate would flatter, a tighter one needs more calibration. q
 * 0.05: one request in twenty named RESIDUAL may be named wrongly. 19,999 draws: see DEFAULT_RESAMPLES of the iam
 * library. Floor 0.8: the customary power of a planned test; higher refuses sound tests, lower passes weak ones.
 */
export const DEFAULT_POLICY = { alpha: 0.01, q: 0.05, resamples: 19_999, powerFloor: 0.8 } as const;

export interface DecisionInput {
  readonly policy: DecisionPolicy;
  /** Completeness scores of never-trained samples, [0, 1]; NaN = unscorable, left out. */
  readonly calibration: Float64Array;
  /** Completeness scores of samples known to be trained on, under this release; NaN as above. */
  readonly controls: Float64Array;
  /**
   * Cluster (document, person) of each calibration and control score: then whole clusters are compared, or one sample of
   * each, but never samples of one cluster as if they were unrelated; see the iam library's README.
   */
  readonly clusters?: { readonly calibration: Int32Array; readonly controls: Int32Array };
  /** Entry i belongs to leaf i of the commitment log. */
  readonly leaves: {
    /** Dense from 0, any order. */
    readonly requestOrdinal: Int32Array;
    /** [0, 1]; read only where the status is 'scored'. A NaN there makes the leaf unscorable. */
    readonly score: Float64Array;
    readonly status: readonly LeafStatus[];
  };
}

/** A p-value is rejected exactly when it is at most its family's limit. */
export interface DecisionThresholds {
  readonly residual: number;
  readonly member: number;
  readonly over: number;
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

export type VerdictCounts = Readonly<Record<RequestVerdict, number>>;

export interface Decision {
  readonly result: VerificationResult;
  /** Empty exactly for PASSED. */
  readonly reasons: ResultReason[];
  readonly warnings: ResultWarning[];
  /** By ordinal. */
  readonly requests: RequestDecision[];
  /** By leaf. */
  readonly samples: SampleDecisions;
  readonly power: MeasuredPower;
  readonly operatingFalsePositiveRate: number;
  /**
   * p of "no request left a residue", for the error budget over releases; 1 where nothing could be tested. It takes
   * no account of the controls: a request between members and never-trained counts as residue here.
   */
  readonly releasePValue: number;
  readonly counts: { readonly requests: VerdictCounts; readonly samples: VerdictCounts };
  /** What the p-values of the requests stand on. */
  readonly groupTest: GroupTest;
}
