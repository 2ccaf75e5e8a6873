/** Reads the signals a measurement is made from: recorded values of the release and of the profile's references. */
import { createHash } from 'node:crypto';
import { RecordingService } from '@app/inference';
import { Injectable } from '@nestjs/common';
import type { ReferenceValues } from './block.js';
import { FactsRepository } from './facts.repository.js';

export interface ReferenceIds {
  /** Null where the profile measures offline. */
  readonly original: string | null;
  readonly shadows: readonly string[];
}

/** Where the values of one verification come from; `digest` changes exactly when a recording is added. */
export interface SignalInputs {
  readonly target: readonly string[];
  readonly original: readonly string[] | null;
  readonly shadows: readonly (readonly string[])[];
  /** SHA-256 over all recording digests, hexadecimal. */
  readonly digest: string;
}

@Injectable()
export class SignalsService {
  constructor(
    private readonly facts: FactsRepository,
    private readonly recordings: RecordingService,
  ) {}

  /** The recordings known now of a release and of the references it is measured against. */
  async inputs(releaseId: string, references: ReferenceIds): Promise<SignalInputs> {
    const artifacts = [
      releaseId,
      ...references.shadows,
      ...(references.original === null ? [] : [references.original]),
    ];
    const known = await Promise.all(artifacts.map((artifact) => this.facts.recordingsOf(artifact)));
    const hash = createHash('sha256');
    known.forEach((list, i) => {
      for (const { digest } of list) hash.update(`${i} ${digest}\n`);
    });
    const ids = known.map((list) => list.map(({ recordingId }) => recordingId));
    return {
      target: ids[0]!,
      shadows: ids.slice(1, 1 + references.shadows.length),
      original: references.original === null ? null : ids.at(-1)!,
      digest: hash.digest('hex'),
    };
  }

  /** Raw values of the references on `sampleIds`, NaN where there is none. */
  async references(
    { original, shadows }: Pick<SignalInputs, 'original' | 'shadows'>,
    sampleIds: readonly string[],
  ): Promise<ReferenceValues> {
    return {
      original: original && (await this.recordings.values(original, sampleIds)),
      shadows: await Promise.all(shadows.map((ids) => this.recordings.values(ids, sampleIds))),
    };
  }

  /** Raw values of one artifact on `sampleIds`, NaN where there is none. */
  values(recordingIds: readonly string[], sampleIds: readonly string[]): Promise<Float64Array> {
    return this.recordings.values(recordingIds, sampleIds);
  }
}
