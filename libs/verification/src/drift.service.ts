/**
 * Does the calibration set still resemble what is committed? Compared are the OUT references' signals, which no
 * unlearning can touch. The answer belongs to a profile and a tree size: a second verification of both reads nothing.
 * Proven by test/medium/verification-releases.spec.ts.
 */
import { checkDrift, type DriftCheck } from '@app/iam';
import { LedgerService } from '@app/ledger';
import { Injectable } from '@nestjs/common';
import { referenceSignals } from './block.js';
import { FactsRepository, type PlacedSample } from './facts.repository.js';
import type { MeasurementProfile } from './profile/profile-document.js';
import { referenceIds } from './profile/reference-ids.js';
import { ResultRepository } from './result.repository.js';
import { SignalsService } from './signals.service.js';
import type { Verification } from './verification.repository.js';

/** Of either set: 5,000 show a Kolmogorov-Smirnov distance of 0.04; more would make the conclusion wait for a warning. */
const LARGEST_SAMPLE = 5_000;
/** Values looked up in one query. */
const PAGE = 1_000;

@Injectable()
export class DriftService {
  constructor(
    private readonly facts: FactsRepository,
    private readonly signals: SignalsService,
    private readonly results: ResultRepository,
    private readonly ledger: LedgerService,
  ) {}

  /** Null without commitments. Evenly spaced samples stand for larger sets. */
  async check(
    verification: Verification,
    { document, scale, digest }: MeasurementProfile,
  ): Promise<DriftCheck | null> {
    const { modelId, profileId, treeSize } = verification;
    if (treeSize === 0n) return null;
    const known = await this.results.summaryOfTree(profileId, treeSize);
    if (known?.drift) return known.drift;
    const { logId } = await this.ledger.commitmentLog(modelId);
    const { sampleSetId, size } = document.calibration;
    const { shadows } = await this.signals.inputs(verification, referenceIds(document));
    const outSignals = async (subjectId: string, samples: readonly PlacedSample[]): Promise<Float64Array> => {
      const means: number[] = [];
      for (let from = 0; from < samples.length; from += PAGE) {
        const page = samples.slice(from, from + PAGE);
        const values = await this.signals.references(
          { original: null, shadows },
          {
            subjectId,
            positions: page.map(({ position }) => position),
            sampleIds: page.map(({ sampleId }) => sampleId),
          },
        );
        const { out } = referenceSignals(values, document.measurement, scale.offlineIn);
        means.push(...rowMeans(out, shadows.length));
      }
      return Float64Array.from(means);
    };
    return checkDrift({
      calibration: await outSignals(sampleSetId, await this.facts.everySetMember(sampleSetId, stepFor(size))),
      commitments: await outSignals(
        modelId,
        await this.facts.everyCommittedSample(logId, treeSize, stepFor(Number(treeSize))),
      ),
      seed: digest,
    });
  }
}

const stepFor = (size: number): number => Math.max(1, Math.ceil(size / LARGEST_SAMPLE));

/** Mean of each row of a row-major matrix; NaN where a value is missing. */
function rowMeans(values: Float64Array, columns: number): Float64Array {
  return Float64Array.from({ length: values.length / columns }, (_, row) =>
    values.subarray(row * columns, (row + 1) * columns).reduce((sum, value) => sum + value / columns, 0),
  );
}
