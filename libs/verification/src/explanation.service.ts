/**
 * "Why?", asked of one request under one release: gathers the numbers of the verification that answered, and has them
 * explained. Signals are numbers of models; no content is read. Proven by test/medium/verification-releases.spec.ts.
 */
import { LedgerService } from '@app/ledger';
import { Injectable } from '@nestjs/common';
import { referenceSignals, transformAll } from './block.js';
import { fractions } from './block-scores.js';
import { VerificationError } from './errors.js';
import { type ExplainedSample, type Explanation, explainRequest } from './explanation.js';
import { plotExplanation } from './explanation-plot.js';
import { FactsRepository } from './facts.repository.js';
import { SINGLE_SAMPLES } from './group-test.js';
import type { MeasurementProfile } from './profile/profile-document.js';
import { ProfileService } from './profile/profile.service.js';
import { referenceIds } from './profile/reference-ids.js';
import { type Outcome, ResultRepository } from './result.repository.js';
import { ResultService } from './result.service.js';
import { SignalsService } from './signals.service.js';
import { StoredScoresService } from './stored-scores.service.js';
import { COMMITMENTS } from './subjects.js';
import type { AttestedBudget } from './summary.js';
import type { RequestDecision } from './verdict.js';
import { VerificationService } from './verification.service.js';
import type { Verification } from './verification.repository.js';

export interface ExplanationQuestion {
  readonly requestId: string;
  /** Default: the release of the newest verification that covers the request. */
  readonly releaseId?: string | undefined;
}

export interface ExplainedRequest {
  readonly requestId: string;
  readonly verification: Verification;
  readonly explanation: Explanation;
  /** Operating false-positive rate of the verification. */
  readonly alpha: number;
  readonly errorBudget: AttestedBudget | null;
  /** SVG document. */
  readonly plot: string;
}

/** Samples of one request that are explained one by one; the verdict counts all of them. */
const MAX_SAMPLES = 500;
const MILLION = 1_000_000;
/** Where a verification measured no power: no trial was made. */
const NO_TRIAL = { rate: 0, low: 0, high: 1, trials: 0, groupSize: 1 };
const UNMEASURED = { perRequest: NO_TRIAL, perSample: NO_TRIAL };

@Injectable()
export class ExplanationService {
  constructor(
    private readonly verifications: VerificationService,
    private readonly resultService: ResultService,
    private readonly results: ResultRepository,
    private readonly facts: FactsRepository,
    private readonly signals: SignalsService,
    private readonly scores: StoredScoresService,
    private readonly profiles: ProfileService,
    private readonly ledger: LedgerService,
  ) {}

  /** @throws VERIFICATION_REQUEST_UNKNOWN when no concluded verification (of the release) covers the request */
  async explain({ requestId, releaseId }: ExplanationQuestion): Promise<ExplainedRequest> {
    const verificationId = await this.results.newestOn(requestId, releaseId);
    if (verificationId === undefined) {
      throw new VerificationError(
        'VERIFICATION_REQUEST_UNKNOWN',
        'no concluded verification says anything about this deletion request',
      );
    }
    const verification = await this.verifications.get(verificationId);
    const profile = await this.profiles.get(verification.profileId);
    const outcome = (await this.results.outcome(verificationId))!;
    const isNull = (subject: string): boolean => subject !== COMMITMENTS;
    const { scores } = await this.scores.read(verification, profile.document, isNull);
    const nulls = await this.scores.nulls(profile, scores);
    const { summary } = outcome;
    const explanation = explainRequest({
      request: await this.decisionOn(requestId, outcome),
      samples: await this.samplesOf(requestId, verification, profile),
      calibration: fractions(nulls.calibration),
      controls: fractions(nulls.controls),
      power: summary.power ?? UNMEASURED,
      alpha: summary.operatingFalsePositiveRate,
      requestTest: summary.requestTest ?? SINGLE_SAMPLES,
      profileTest: profile.document.decision.groupTest ?? 'single-samples',
    });
    return {
      requestId,
      verification,
      explanation,
      alpha: summary.operatingFalsePositiveRate,
      errorBudget: summary.errorBudget,
      plot: plotExplanation(explanation),
    };
  }

  private async decisionOn(
    requestId: string,
    { verificationId, summary }: Outcome,
  ): Promise<RequestDecision> {
    const result = (await this.results.requestResult(verificationId, requestId))!;
    return { ordinal: 0, ...result, thresholds: summary.thresholds ?? { residual: 0, member: 0, over: 0 } };
  }

  private async samplesOf(
    requestId: string,
    verification: Verification,
    { document, scale }: MeasurementProfile,
  ): Promise<ExplainedSample[]> {
    const { verificationId, modelId, treeSize } = verification;
    const { logId } = await this.ledger.commitmentLog(modelId);
    const covered = (await this.facts.openings(logId, requestId))
      .filter(({ leafIndex }) => leafIndex < treeSize)
      .slice(0, MAX_SAMPLES);
    const samples = {
      subjectId: modelId,
      positions: covered.map(({ leafIndex }) => Number(leafIndex)),
      sampleIds: covered.map(({ sampleId }) => sampleId),
    };
    const inputs = await this.signals.inputs(verification, referenceIds(document));
    const raw = await this.signals.references(inputs, samples);
    const { measurement } = document;
    const target = transformAll(await this.signals.values(inputs.target, samples), measurement);
    const { out, in_ } = referenceSignals(raw, measurement, scale.offlineIn);
    const shadows = raw.shadows.length;
    const leaves = await this.resultService.leafResultsAt(
      verificationId,
      covered.map(({ leafIndex }) => leafIndex),
    );
    return leaves.map(({ index, verdict, score, pResidual, pMember }, i) => ({
      leafIndex: String(index),
      verdict,
      score: fractionOrNull(score),
      target: numberOrNull(target[i]!),
      out: numberOrNull(
        out.subarray(i * shadows, (i + 1) * shadows).reduce((sum, signal) => sum + signal / shadows, 0),
      ),
      in_: numberOrNull(typeof in_ === 'number' ? in_ : in_[i]!),
      pResidual: fractionOrNull(pResidual),
      pMember: fractionOrNull(pMember),
    }));
  }
}

const fractionOrNull = (millionths: number | null): number | null =>
  millionths === null ? null : millionths / MILLION;

const numberOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
