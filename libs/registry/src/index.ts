export type { AttachedRecording } from './artifact-recording.repository.js';
export { ArtifactRecordingService } from './artifact-recording.service.js';
export { auditSampleSets } from './audit-sample-sets.js';
export type {
  Commitment,
  CommitmentFilter,
  DeletionRequest,
  DeletionRequestFilter,
} from './deletion-request.repository.js';
export { type DeletionRequestInput, DeletionRequestService } from './deletion-request.service.js';
export type { Erasure } from './erasure.repository.js';
export { type ErasureInput, ErasureService } from './erasure.service.js';
export {
  DeletionRequestImportService,
  type ImportedChunk,
  type ImportInput,
  type ImportState,
} from './import/deletion-request-import.service.js';
export { RegistryError, type RegistryErrorCode } from './errors.js';
export type { Model } from './model.repository.js';
export { type ModelInput, ModelService } from './model.service.js';
export { type KeysetOrder, type Page, type PageRequest } from './page.js';
export type { Reference, ReferenceRole } from './reference.repository.js';
export { type ReferenceInput, type ReferenceRecordingInput, ReferenceService } from './reference.service.js';
export { RegistryModule } from './registry.module.js';
export type { Release } from './release.repository.js';
export { type ReleaseInput, type ReleaseRecordingInput, ReleaseService } from './release.service.js';
export type { Supersession, Withdrawal } from './release-standing.repository.js';
export {
  ReleaseStandingService,
  type SupersessionInput,
  type WithdrawalInput,
} from './release-standing.service.js';
export { RECORDED_RUNTIME } from './runtime-name.js';
export { SampleService, type StoredSamples } from './sample.service.js';
export type { SampleSet, SampleSetRole } from './sample-set.repository.js';
export { type SampleSetInput, SampleSetService } from './sample-set.service.js';
