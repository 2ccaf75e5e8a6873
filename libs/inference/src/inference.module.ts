import { type Config, CONFIG } from '@app/config';
import { Module } from '@nestjs/common';
import { ArtifactCache } from './artifact/artifact-cache.js';
import { ArtifactRepository } from './artifact/artifact.repository.js';
import { ArtifactStore } from './artifact/artifact-store.js';
import { RecordingRepository } from './recorded/recording.repository.js';
import { HeldSamples } from './sample/held-samples.js';
import { RecordingService } from './recorded/recording.service.js';

/** Samples that their owners keep, from the servers of the configuration. */
const heldSamples = (config: Config): HeldSamples =>
  new HeldSamples({
    access: {
      hosts: config.LACUNA_SAMPLE_HOSTS ?? [],
      allowsPrivate: config.LACUNA_SAMPLE_PRIVATE_ADDRESSES ?? false,
    },
    timeoutMs: config.LACUNA_SAMPLE_TIMEOUT_MS,
  });

/** Where signals come from. Needs the global DatabaseModule and ConfigModule. */
@Module({
  providers: [
    ArtifactCache,
    ArtifactRepository,
    ArtifactStore,
    RecordingRepository,
    RecordingService,
    { provide: HeldSamples, inject: [CONFIG], useFactory: heldSamples },
  ],
  exports: [ArtifactStore, HeldSamples, RecordingService],
})
export class InferenceModule {}
