export { type Attestation } from './attest/attestation.repository.js';
export { AttestationService } from './attest/attestation.service.js';
export { AttestationIssuer, type AttestationSigner } from './attest/attestation-issuer.service.js';
export { type BundleRequest, BundleService } from './attest/bundle.service.js';
export { auditVerifications } from './audit/audit-verifications.js';
export { BlockService } from './block.service.js';
export { ConcludeService } from './conclude.service.js';
export { DEFAULT_POLICY } from './decision.js';
export { VerificationError, type VerificationErrorCode } from './errors.js';
export type { ExplainedSample, Explanation, Finding, ScoreRange } from './explanation.js';
export {
  ExplanationService,
  type ExplainedRequest,
  type ExplanationQuestion,
} from './explanation.service.js';
export type { DriftCheckFilter, RecordedDriftCheck } from './endpoint/drift-check.repository.js';
export { DriftCheckService } from './endpoint/drift-check.service.js';
export { type DriftSettings, EndpointDriftService } from './endpoint/endpoint-drift.service.js';
export { FailuresService } from './failures.service.js';
export { type DescribedTest, describeTest } from './group-test.js';
export type { UnscorableReason } from './live/unscorable-reasons.service.js';
export { PendingSignalsService } from './live/pending-signals.service.js';
export { SetSignalsService } from './live/set-signals.service.js';
export { type Page, type PageRequest } from './page.js';
export { PlanService } from './plan.service.js';
export {
  type Calibration,
  type DecisionSettings,
  type MeasurementProfile,
  type ProfileDocument,
  type ProfileWarning,
  profileWarnings,
} from './profile/profile-document.js';
export { type ListedProfile } from './profile/profile.repository.js';
export type { FreezeProfile } from './profile/freeze-settings.js';
export { ProfileService } from './profile/profile.service.js';
export { findRecurrences } from './recurrence.js';
export { ProgressFeed } from './progress-feed.service.js';
export { type ProgressRate, progressRate } from './progress-rate.js';
export type { RecordedRecurrence, RecurrenceFilter } from './recurrence.repository.js';
export { RecurrenceService } from './recurrence.service.js';
export type { Outcome, RequestResult } from './result.repository.js';
export { ResultService } from './result.service.js';
export type { VerificationSummary } from './summary.js';
export { decide, type GroupTest, type RequestVerdict } from './verdict.js';
export type { TimelineEntry } from './timeline.repository.js';
export { type TimelineRequest, TimelineService } from './timeline.service.js';
export { type ReverifyCounts, ReverificationService } from './reverification.service.js';
export { VerificationModule, type WorkerOptions } from './verification.module.js';
export type { Verification, VerificationFilter, VerificationProgress } from './verification.repository.js';
export { VerificationService } from './verification.service.js';
export type {
  BlockJob,
  ConcludeJob,
  DriftJob,
  PlanJob,
  PrepareJob,
  SignalsJob,
} from './verification-jobs.js';
