import { Module } from '@nestjs/common';
import { RecordingRepository } from './recorded/recording.repository.js';
import { RecordingService } from './recorded/recording.service.js';

/** Where signals come from. Needs the global DatabaseModule and ConfigModule. */
@Module({ providers: [RecordingRepository, RecordingService], exports: [RecordingService] })
export class InferenceModule {}
