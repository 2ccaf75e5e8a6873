import { Module } from '@nestjs/common';
import { ArtifactCache } from './artifact/artifact-cache.js';
import { ArtifactRepository } from './artifact/artifact.repository.js';
import { ArtifactStore } from './artifact/artifact-store.js';
import { RecordingRepository } from './recorded/recording.repository.js';
import { RecordingService } from './recorded/recording.service.js';

/** Where signals come from. Needs the global DatabaseModule and ConfigModule. */
@Module({
  providers: [ArtifactCache, ArtifactRepository, ArtifactStore, RecordingRepository, RecordingService],
  exports: [ArtifactStore, RecordingService],
})
export class InferenceModule {}
