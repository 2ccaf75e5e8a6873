/** Why committed samples have no score under a live model. Proven by test/medium/live-failures.spec.ts. */
import { Injectable } from '@nestjs/common';
import { BLOCK_WIDTH, blocksOf, UNSCORABLE_SCORE } from '../plan.js';
import type { ProfileDocument } from '../profile/profile-document.js';
import { referenceIds } from '../profile/reference-ids.js';
import { liveOrigins, SignalsService } from '../signals.service.js';
import type { Verification } from '../verification.repository.js';
import { unpackReasons } from './signal-block.js';
import { SignalBlockRepository } from './signal-block.repository.js';

/** Samples that one kind of model gave no signal for, for one reason. */
export interface UnscorableReason {
  readonly role: 'release' | 'reference';
  /** Error code, for example RUNTIME_TIMEOUT. */
  readonly code: string;
  readonly samples: number;
}

@Injectable()
export class UnscorableReasonsService {
  constructor(
    private readonly signals: SignalsService,
    private readonly cache: SignalBlockRepository,
  ) {}

  /**
   * By role and code; empty where every signal was recorded. A sample counts once for the release and once for its references.
   * @param scores of the commitments in leaf order, millionths, -1 unscorable
   */
  async count(
    verification: Verification,
    document: ProfileDocument,
    scores: Int32Array,
  ): Promise<UnscorableReason[]> {
    if (!scores.includes(UNSCORABLE_SCORE)) return [];
    const { target, original, shadows } = await this.signals.inputs(verification, referenceIds(document));
    const counts: UnscorableReason[] = [];
    for (const [role, origins] of [
      ['release', [target]],
      ['reference', [...shadows, original]],
    ] as const) {
      const digests = liveOrigins(origins).map(({ sourceDigest }) => sourceDigest);
      const byCode = new Map<string, number>();
      for (const { blockIndex, width } of blocksOf(scores.length)) {
        const from = blockIndex * BLOCK_WIDTH;
        const block = scores.subarray(from, from + width);
        if (!block.includes(UNSCORABLE_SCORE)) continue;
        for (const code of await this.codesOf(digests, verification.modelId, blockIndex, block))
          byCode.set(code, (byCode.get(code) ?? 0) + 1);
      }
      for (const [code, samples] of [...byCode].sort()) counts.push({ role, code, samples });
    }
    return counts;
  }

  /** One code for each unscored sample of the block that some of the sources gave no signal for. */
  private async codesOf(
    digests: readonly string[],
    subjectId: string,
    blockIndex: number,
    scores: Int32Array,
  ): Promise<string[]> {
    const blocks = await Promise.all(
      digests.map((sourceDigest) => this.cache.best({ sourceDigest, subjectId }, blockIndex)),
    );
    const codes = blocks.map((block) => (block ? unpackReasons(block.reasons, block.width) : []));
    return Array.from(scores, (score, i) =>
      score === UNSCORABLE_SCORE ? codes.map((of) => of[i]).find((code) => code !== undefined) : undefined,
    ).filter((code) => code !== undefined);
  }
}
