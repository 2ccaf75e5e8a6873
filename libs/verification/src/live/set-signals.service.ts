/** One block of signals of a live reference on a sample set. Proven by test/medium/live-verification.spec.ts. */
import { Injectable } from '@nestjs/common';
import { BlockFactsRepository } from '../block-facts.repository.js';
import { VerificationError } from '../errors.js';
import { FactsRepository } from '../facts.repository.js';
import { BLOCK_WIDTH } from '../plan.js';
import type { SignalsJob } from '../verification-jobs.js';
import { LiveSignalsService } from './live-signals.service.js';
import { fixedSource } from './signal-source.js';

@Injectable()
export class SetSignalsService {
  constructor(
    private readonly live: LiveSignalsService,
    private readonly facts: FactsRepository,
    private readonly blocks: BlockFactsRepository,
  ) {}

  /** @throws VERIFICATION_MODEL_UNKNOWN; what may pass by itself while the model is run */
  async run(
    { modelId, artifactDigest, sampleSetId, blockIndex }: SignalsJob,
    onProgress: () => void = () => undefined,
  ): Promise<void> {
    const model = await this.facts.model(modelId);
    if (!model) throw new VerificationError('VERIFICATION_MODEL_UNKNOWN', 'there is no such model');
    await this.live.ensure(
      [fixedSource(artifactDigest)],
      {
        modelId,
        signalKind: model.signalKind,
        subjectId: sampleSetId,
        blockIndex,
        sampleIds: await this.blocks.setMembers(sampleSetId, blockIndex * BLOCK_WIDTH, BLOCK_WIDTH),
        retryFailed: false,
      },
      { onProgress, onWritten: () => Promise.resolve() },
    );
  }
}
