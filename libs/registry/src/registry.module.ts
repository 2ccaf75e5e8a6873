import { Module } from '@nestjs/common';
import { InferenceModule } from '@app/inference';
import { ArtifactRecordingRepository } from './artifact-recording.repository.js';
import { ArtifactRecordingService } from './artifact-recording.service.js';
import { ArtifactSourceService } from './artifact-source.service.js';
import { DeletionRequestRepository } from './deletion-request.repository.js';
import { DeletionRequestService } from './deletion-request.service.js';
import { ErasureRepository } from './erasure.repository.js';
import { ErasureService } from './erasure.service.js';
import { DeletionRequestImportService } from './import/deletion-request-import.service.js';
import { ModelRepository } from './model.repository.js';
import { ModelService } from './model.service.js';
import { ReferenceRepository } from './reference.repository.js';
import { ReferenceService } from './reference.service.js';
import { ReleaseStandingRepository } from './release-standing.repository.js';
import { ReleaseStandingService } from './release-standing.service.js';
import { ReleaseRepository } from './release.repository.js';
import { ReleaseService } from './release.service.js';
import { SampleService } from './sample.service.js';
import { SampleSetRepository } from './sample-set.repository.js';
import { SampleSetService } from './sample-set.service.js';
import { VerificationTrigger } from './verification-trigger.service.js';

/** Everything that can be registered and queried. Needs the global database, config, ledger and queue modules. */
@Module({
  imports: [InferenceModule],
  providers: [
    ArtifactRecordingRepository,
    ArtifactRecordingService,
    DeletionRequestImportService,
    ArtifactSourceService,
    DeletionRequestRepository,
    DeletionRequestService,
    ErasureRepository,
    ErasureService,
    ModelRepository,
    ModelService,
    ReferenceRepository,
    ReferenceService,
    ReleaseRepository,
    ReleaseService,
    ReleaseStandingRepository,
    ReleaseStandingService,
    SampleService,
    SampleSetRepository,
    SampleSetService,
    VerificationTrigger,
  ],
  exports: [
    ArtifactRecordingService,
    DeletionRequestImportService,
    DeletionRequestService,
    ErasureService,
    InferenceModule,
    ModelService,
    ReferenceService,
    ReleaseService,
    ReleaseStandingService,
    SampleService,
    SampleSetService,
    VerificationTrigger,
  ],
})
export class RegistryModule {}
