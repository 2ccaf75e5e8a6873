/**
 * Reads the signals a measurement is made from: recorded values of an artifact, or the cached signals of a live one. Runs
 * no model; live/live-signals.service.ts fills the cache. Proven by test/medium/verification.spec.ts.
 */
import { createHash } from 'node:crypto';
import { RecordingService } from '@app/inference';
import { Injectable } from '@nestjs/common';
import type { ReferenceValues } from './block.js';
import { FactsRepository } from './facts.repository.js';
import type { SignalBlock, SignalVersion } from './live/signal-block.js';
import { SignalBlockRepository } from './live/signal-block.repository.js';
import { fixedSource, releaseSource, type SignalSource } from './live/signal-source.js';
import { BLOCK_WIDTH } from './plan.js';

export interface ReferenceIds {
  /** Null where the profile measures offline. */
  readonly original: string | null;
  readonly shadows: readonly string[];
}

/** Where the signals of one artifact come from. */
export type SignalOrigin =
  | { readonly kind: 'recorded'; readonly recordingIds: readonly string[] }
  | ({ readonly kind: 'live' } & SignalSource);
export type LiveOrigin = Extract<SignalOrigin, { kind: 'live' }>;

/** A release, and which generation of its signals: 0 unless what answers behind its endpoint is known to have changed. */
export interface TargetRelease {
  readonly releaseId: string;
  readonly generation: number;
}

/** Where the values of one verification come from; `digest` changes exactly when a recording is added. */
export interface SignalInputs {
  readonly target: SignalOrigin;
  readonly original: SignalOrigin | null;
  readonly shadows: readonly SignalOrigin[];
  /** SHA-256 over all recording digests and live artifacts, hexadecimal. */
  readonly digest: string;
}

/** Some samples of one subject. */
export interface WantedSamples {
  /** A model's id for its commitment log, or the id of a sample set. */
  readonly subjectId: string;
  /** Leaf indexes, or places in the set. */
  readonly positions: readonly number[];
  /** In the order of {@link positions}. */
  readonly sampleIds: readonly string[];
}

/** Every origin of the inputs, the release first. */
export function originsOf({ target, original, shadows }: SignalInputs): (SignalOrigin | null)[] {
  return [target, ...shadows, original];
}

/** The live ones among `origins`, each once. */
export function liveOrigins(origins: readonly (SignalOrigin | null)[]): LiveOrigin[] {
  const live = origins.filter((origin): origin is LiveOrigin => origin?.kind === 'live');
  return live.filter(
    ({ sourceDigest }, i) => live.findIndex((other) => other.sourceDigest === sourceDigest) === i,
  );
}

/**
 * What the scores of one block are made from: as {@link SignalInputs.digest}, and which versions of the cached signals.
 * @param versions of each live artifact, the release first, undefined where there is none
 */
export function blockInputs(
  { digest }: SignalInputs,
  versions: readonly (SignalVersion | undefined)[],
): string {
  if (versions.length === 0) return digest;
  const hash = createHash('sha256').update(`${digest}\n`);
  for (const version of versions) hash.update(version ? `${version.width}-${version.unscorable}\n` : '-\n');
  return hash.digest('hex');
}

@Injectable()
export class SignalsService {
  constructor(
    private readonly facts: FactsRepository,
    private readonly recordings: RecordingService,
    private readonly cache: SignalBlockRepository,
  ) {}

  /** Where the signals of a release, and of the references it is measured against, come from now. */
  async inputs({ releaseId, generation }: TargetRelease, references: ReferenceIds): Promise<SignalInputs> {
    const others = [...references.shadows, ...(references.original === null ? [] : [references.original])];
    const known = await Promise.all([
      this.known(releaseId, generation),
      ...others.map((reference) => this.known(reference)),
    ]);
    const hash = createHash('sha256');
    known.forEach(({ digests }, i) => {
      for (const digest of digests) hash.update(`${i} ${digest}\n`);
    });
    const origins = known.map(({ origin }) => origin);
    return {
      target: origins[0]!,
      shadows: origins.slice(1, 1 + references.shadows.length),
      original: references.original === null ? null : origins.at(-1)!,
      digest: hash.digest('hex'),
    };
  }

  /** Where the signals of a reference come from now. */
  async origin(referenceId: string): Promise<SignalOrigin> {
    return (await this.known(referenceId)).origin;
  }

  /** Raw values of the references on `samples`, NaN where there is none. */
  async references(
    { original, shadows }: Pick<SignalInputs, 'original' | 'shadows'>,
    samples: WantedSamples,
  ): Promise<ReferenceValues> {
    return {
      original: original && (await this.values(original, samples)),
      shadows: await Promise.all(shadows.map((shadow) => this.values(shadow, samples))),
    };
  }

  /** Raw values of one artifact on `samples`, NaN where there is none. */
  async values(origin: SignalOrigin, samples: WantedSamples): Promise<Float64Array> {
    if (origin.kind === 'recorded') return this.recordings.values(origin.recordingIds, samples.sampleIds);
    const values = new Float64Array(samples.positions.length).fill(NaN);
    let block: SignalBlock | undefined;
    let read = -1;
    for (const [i, position] of samples.positions.entries()) {
      const blockIndex = Math.floor(position / BLOCK_WIDTH);
      if (blockIndex !== read) {
        block = await this.cache.best({ ...origin, subjectId: samples.subjectId }, blockIndex);
        read = blockIndex;
      }
      values[i] = block?.values[position % BLOCK_WIDTH] ?? NaN;
    }
    return values;
  }

  /** @param generation of a release's signals; references have none */
  private async known(
    artifactId: string,
    generation?: number,
  ): Promise<{ origin: SignalOrigin; digests: string[] }> {
    const artifact = await this.facts.artifact(artifactId);
    if (artifact && artifact.runtime !== RECORDED) {
      const { artifactDigest, runtime } = artifact;
      const source =
        generation === undefined
          ? fixedSource(artifactDigest)
          : releaseSource({ artifactDigest, runtime, releaseId: artifactId }, generation);
      return { origin: { kind: 'live', ...source }, digests: [`live ${source.sourceDigest}`] };
    }
    const recordings = await this.facts.recordingsOf(artifactId);
    return {
      origin: { kind: 'recorded', recordingIds: recordings.map(({ recordingId }) => recordingId) },
      digests: recordings.map(({ digest }) => digest),
    };
  }
}

/** The runtime of releases and references whose signals were handed in. */
const RECORDED = 'recorded';
