/** The scores a verification is decided from, as its blocks hold them. Proven by test/medium/verification.spec.ts. */
import { Injectable } from '@nestjs/common';
import { decodeScores } from './block-scores.js';
import type { NullScores } from './conclusion.js';
import { FactsRepository } from './facts.repository.js';
import {
  bestBlock,
  BLOCK_WIDTH,
  blocksOf,
  type StoredBlock,
  UNSCORABLE_SCORE,
  versionsByBlock,
} from './plan.js';
import type { MeasurementProfile, ProfileDocument } from './profile/profile-document.js';
import { referenceIds } from './profile/reference-ids.js';
import { readAhead } from './read-ahead.js';
import { ScoreBlockRepository } from './score-block.repository.js';
import { SignalsService } from './signals.service.js';
import { subjectsOf } from './subjects.js';
import type { MissingBlock } from './verification-jobs.js';
import type { Verification } from './verification.repository.js';

export interface StoredScores {
  /** By subject, in millionths, -1 unscorable or in a missing block. */
  readonly scores: ReadonlyMap<string, Int32Array>;
  /** The jobs of blocks that are not there, or not wide enough, with the samples they need. */
  readonly missing: readonly MissingBlock[];
}

@Injectable()
export class StoredScoresService {
  constructor(
    private readonly blocks: ScoreBlockRepository,
    private readonly signals: SignalsService,
    private readonly facts: FactsRepository,
  ) {}

  /** Scores of every subject in order, or of the subjects that are `wanted`. */
  async read(
    verification: Verification,
    document: ProfileDocument,
    wanted: (subject: string) => boolean = () => true,
  ): Promise<StoredScores> {
    const { releaseId, generation, profileId, verificationId, treeSize } = verification;
    const { digest } = await this.signals.inputs(verification, referenceIds(document));
    const scores = new Map<string, Int32Array>();
    const missing: MissingBlock[] = [];
    for (const subject of subjectsOf(document, treeSize)) {
      if (!wanted(subject.name)) continue;
      const key = { releaseId, generation, profileId, subject: subject.name };
      const versions = versionsByBlock(await this.blocks.stored(key));
      const all = new Int32Array(subject.size).fill(UNSCORABLE_SCORE);
      const known: { readonly best: StoredBlock; readonly width: number }[] = [];
      for (const { blockIndex, width } of blocksOf(subject.size)) {
        const best = bestBlock(versions.get(blockIndex) ?? [], digest);
        if (best && best.width >= width) known.push({ best, width });
        else missing.push({ job: { verificationId, subject: subject.name, blockIndex }, width });
      }
      const blocks = readAhead(known, 1, async ({ best, width }) => ({
        from: best.blockIndex * BLOCK_WIDTH,
        block: decodeScores(await this.blocks.scores(key, best)).subarray(0, width),
      }));
      for await (const { from, block } of blocks) all.set(block, from);
      scores.set(subject.name, all);
    }
    return { scores, missing };
  }

  /** What both null hypotheses are tested against: out of the profile where it is frozen there, else out of `scores`. */
  async nulls({ document }: MeasurementProfile, scores: StoredScores['scores']): Promise<NullScores> {
    const { calibration, controls, decision } = document;
    const frozen = calibration.mode === 'frozen' ? calibration : null;
    const clusters =
      (decision.groupTest ?? 'single-samples') !== 'single-samples' &&
      (await this.facts.sampleSet(calibration.sampleSetId))!.clusterCount !== null
        ? {
            calibration: frozen?.clusters
              ? Int32Array.from(frozen.clusters)
              : await this.facts.setClusters(calibration.sampleSetId),
            controls: await this.facts.setClusters(controls.sampleSetId),
          }
        : null;
    return {
      calibration: frozen ? Int32Array.from(frozen.scores) : scores.get(calibration.sampleSetId)!,
      controls: scores.get(controls.sampleSetId)!,
      clusters,
    };
  }
}
