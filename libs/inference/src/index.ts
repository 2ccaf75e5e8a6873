export { BACKENDS, type Backend, type BackendCheck } from './backends.js';
export { checkBackends } from './doctor/check-backends.js';
export { chosenBackends, type ChosenBackend } from './doctor/chosen-backends.js';
export { inspectMachine, type MachineFacts } from './doctor/machine.js';
export { auditArtifacts, type ArtifactFinding } from './artifact/audit-artifacts.js';
export { type Artifact, ArtifactStore, type ArtifactUpload } from './artifact/artifact-store.js';
export type { ArtifactBinding } from './artifact/declaration.js';
export type { ArtifactFile } from './artifact/manifest.js';
export { type EndpointAccess, endpointAccess, NO_ENDPOINTS } from './endpoint/endpoint-access.js';
export { InferenceError, type InferenceErrorCode, positionsOf } from './errors.js';
export { InferenceModule } from './inference.module.js';
export { loadLocalRuntime } from './local/load-local-runtime.js';
export { openRuntime } from './open-runtime.js';
export { runtimeOptionsOf } from './runtime-options.js';
export { auditRecordings, type RecordingFinding } from './recorded/audit-recordings.js';
export { csvFields } from './recorded/csv-fields.js';
export { type ParseOptions } from './recorded/parse-recording.js';
export { type Recording, RecordingRepository } from './recorded/recording.repository.js';
export { RecordingDigest } from './recorded/recording-digest.js';
export { RecordingService, type StoredRecording, type StoreOptions } from './recorded/recording.service.js';
export type { RecordedRow, SignalKind } from './recorded/row-reader.js';
export { isSampleId } from './recorded/sample-id.js';
export { batchSamples, type PlacedBatch, type SampleBatches } from './sample/batch-samples.js';
export { HeldSamples } from './sample/held-samples.js';
export { parseSample } from './sample/parse-sample.js';
export { decodeSample, encodeSample } from './sample/payload.js';
export { nameOfPlace, type PlacedPayload, type SamplePlace } from './sample/placed-payload.js';
export { readSamples } from './sample/read-samples.js';
export type { Sample, SampleReference, SampleTensor } from './sample/sample.js';
export type {
  ArtifactDeclaration,
  DType,
  ModelDescription,
  ModelRuntime,
  RuntimeKind,
  RuntimeOptions,
  RuntimeSource,
  SampleBatch,
  TensorBatch,
  TensorData,
  TensorSpec,
} from './runtime.js';
export { sampleCount, takeSamples } from './sample/take-samples.js';
export { decompress } from './text/decompress.js';
export { type FaultyLine, type Line, splitLines } from './text/lines.js';
export type { TextFaults } from './text/text-faults.js';
