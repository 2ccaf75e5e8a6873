/** Reads what other libs registered: models, releases, references, sample sets, commitments. Writes nothing. */
import { invariant } from '@app/errors';
import { DATABASE, type Database, type Queryable } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';

export interface ModelFact {
  readonly modelId: string;
  readonly name: string;
  readonly signalKind: 'probability' | 'loss';
}

export interface ReleaseRuntime {
  readonly releaseId: string;
  readonly runtime: string;
}

export interface ReleaseFact extends ReleaseRuntime {
  readonly modelId: string;
  /** Place among the model's releases, in order of registration. */
  readonly ordinal: number;
  readonly name: string;
  /** SHA-256, hexadecimal. */
  readonly artifactDigest: string;
  readonly committedBefore: bigint;
  readonly registeredAt: Date;
}

export interface ArtifactFact {
  /** SHA-256, hexadecimal. */
  readonly artifactDigest: string;
  /** `recorded`, or what runs it. */
  readonly runtime: string;
}

export interface ReferenceFact {
  readonly referenceId: string;
  readonly role: 'original' | 'shadow';
  readonly name: string;
  readonly artifactDigest: string;
  readonly runtime: string;
}

export interface SampleSetFact {
  readonly sampleSetId: string;
  readonly modelId: string;
  readonly role: 'calibration' | 'controls';
  readonly size: number;
  readonly digest: string;
  /** Null: registered without clusters. */
  readonly clusterCount: number | null;
  readonly recordingId: string | null;
  readonly trustedUnder: string | null;
}

export interface RecordingFact {
  readonly recordingId: string;
  readonly part: number;
  readonly digest: string;
}

/** A sample and its leaf index, or its place in a set. */
export interface PlacedSample {
  readonly position: number;
  readonly sampleId: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

@Injectable()
export class FactsRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async model(modelId: string): Promise<ModelFact | undefined> {
    const row = await this.db
      .selectFrom('model')
      .selectAll()
      .where('model_id', '=', modelId)
      .executeTakeFirst();
    return row && { modelId: row.model_id, name: row.name, signalKind: row.signal_kind };
  }

  async release(releaseId: string): Promise<ReleaseFact | undefined> {
    const row = await this.db
      .selectFrom('release')
      .selectAll()
      .where('release_id', '=', releaseId)
      .executeTakeFirst();
    return (
      row && {
        releaseId: row.release_id,
        modelId: row.model_id,
        ordinal: row.ordinal,
        name: row.name,
        artifactDigest: hex(row.artifact_digest),
        runtime: row.runtime,
        committedBefore: row.committed_before,
        registeredAt: row.registered_at,
      }
    );
  }

  /** What a release or a reference is. */
  async artifact(artifactId: string): Promise<ArtifactFact | undefined> {
    const row = await this.db
      .selectFrom('release')
      .select(['artifact_digest', 'runtime'])
      .where('release_id', '=', artifactId)
      .unionAll((references) =>
        references
          .selectFrom('reference')
          .select(['artifact_digest', 'runtime'])
          .where('reference_id', '=', artifactId),
      )
      .executeTakeFirst();
    return row && { artifactDigest: hex(row.artifact_digest), runtime: row.runtime };
  }

  /** The model's newest release that is neither withdrawn nor superseded. */
  async currentRelease(modelId: string, db: Queryable = this.db): Promise<ReleaseRuntime | undefined> {
    const row = await db
      .selectFrom('live_release')
      .select(['release_id', 'runtime'])
      .where('model_id', '=', modelId)
      .orderBy('ordinal', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && { releaseId: row.release_id, runtime: row.runtime };
  }

  /** Each model's current release, where the model has a profile to verify it with. */
  async currentReleases(): Promise<ReleaseRuntime[]> {
    const rows = await this.db
      .selectFrom('live_release')
      .distinctOn('model_id')
      .select(['release_id', 'runtime'])
      .where('model_id', 'in', (profiles) => profiles.selectFrom('profile').select('profile.model_id'))
      .orderBy('model_id')
      .orderBy('ordinal', 'desc')
      .execute();
    return rows.map((row) => ({ releaseId: row.release_id, runtime: row.runtime }));
  }

  /** Releases of the model in use that nobody has begun to verify, oldest first. */
  async unverifiedReleases(modelId: string, db: Queryable = this.db): Promise<string[]> {
    const rows = await db
      .selectFrom('live_release')
      .select('release_id')
      .where('model_id', '=', modelId)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('verification')
              .select('verification_id')
              .whereRef('verification.release_id', '=', 'live_release.release_id'),
          ),
        ),
      )
      .orderBy('ordinal')
      .execute();
    return rows.map((row) => row.release_id);
  }

  /** In order of registration, which is the order of addition in every mean. */
  async references(modelId: string): Promise<ReferenceFact[]> {
    const rows = await this.db
      .selectFrom('reference')
      .selectAll()
      .where('model_id', '=', modelId)
      .orderBy('event_index')
      .execute();
    return rows.map((row) => ({
      referenceId: row.reference_id,
      role: row.role,
      name: row.name,
      artifactDigest: hex(row.artifact_digest),
      runtime: row.runtime,
    }));
  }

  /** Ids and sizes of the model's sample sets. */
  async sampleSets(modelId: string): Promise<Pick<SampleSetFact, 'sampleSetId' | 'size'>[]> {
    const rows = await this.db
      .selectFrom('sample_set')
      .select(['sample_set_id', 'size'])
      .where('model_id', '=', modelId)
      .orderBy('event_index')
      .execute();
    return rows.map((row) => ({ sampleSetId: row.sample_set_id, size: row.size }));
  }

  async sampleSet(sampleSetId: string): Promise<SampleSetFact | undefined> {
    const row = await this.db
      .selectFrom('sample_set')
      .selectAll()
      .where('sample_set_id', '=', sampleSetId)
      .executeTakeFirst();
    return (
      row && {
        sampleSetId: row.sample_set_id,
        modelId: row.model_id,
        role: row.role,
        size: row.size,
        digest: hex(row.digest),
        clusterCount: row.cluster_count,
        recordingId: row.recording_id,
        trustedUnder: row.trusted_under,
      }
    );
  }

  /** Recordings of a release or a reference, in order of arrival. */
  async recordingsOf(artifactId: string): Promise<RecordingFact[]> {
    const rows = await this.db
      .selectFrom('artifact_recording')
      .innerJoin('recording', 'recording.recording_id', 'artifact_recording.recording_id')
      .select(['recording.recording_id', 'artifact_recording.part', 'recording.digest'])
      .where('artifact_id', '=', artifactId)
      .orderBy('part')
      .execute();
    return rows.map((row) => ({
      recordingId: row.recording_id,
      part: row.part,
      digest: hex(row.digest),
    }));
  }

  async recordingDigest(recordingId: string): Promise<string> {
    const row = await this.db
      .selectFrom('recording')
      .select('digest')
      .where('recording_id', '=', recordingId)
      .executeTakeFirstOrThrow();
    return hex(row.digest);
  }

  /** The cluster of each member by position, as numbers in order of first appearance. */
  async setClusters(sampleSetId: string): Promise<Int32Array> {
    const rows = await this.db
      .selectFrom('sample_set_member')
      .select('cluster_id')
      .where('sample_set_id', '=', sampleSetId)
      .orderBy('position')
      .execute();
    const numbers = new Map<string, number>();
    return Int32Array.from(rows, ({ cluster_id: id }) => {
      invariant(id !== null, 'every member of a set with clusters is in one');
      const known = numbers.get(id) ?? numbers.size;
      numbers.set(id, known);
      return known;
    });
  }

  /** Which requests with commitments in the log are erased at this moment: all of a request or nothing of it. */
  async erasedRequests(logId: number): Promise<Set<string>> {
    const rows = await this.db
      .selectFrom('erasure')
      .select('request_id')
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('commitment')
            .select('commitment.log_id')
            .whereRef('commitment.request_id', '=', 'erasure.request_id')
            .where('commitment.log_id', '=', logId),
        ),
      )
      .execute();
    return new Set(rows.map((row) => row.request_id));
  }

  async isErased(requestId: string): Promise<boolean> {
    const query = this.db.selectFrom('erasure').select('erasure_id').where('request_id', '=', requestId);
    return (await query.executeTakeFirst()) !== undefined;
  }

  /** Every `step`-th committed sample before leaf index `size`, in leaf order; those of erased requests left out. */
  async everyCommittedSample(logId: number, size: bigint, step: number): Promise<PlacedSample[]> {
    const rows = await this.db
      .selectFrom('commitment_opening')
      .select(['sample_id', 'leaf_index'])
      .where('log_id', '=', logId)
      .where('leaf_index', '<', size)
      .where(sql<boolean>`leaf_index % ${BigInt(step)} = 0`)
      .orderBy('leaf_index')
      .execute();
    return rows.map((row) => ({ position: Number(row.leaf_index), sampleId: row.sample_id }));
  }

  /** The samples at every `step`-th position of a sample set. */
  async everySetMember(sampleSetId: string, step: number): Promise<PlacedSample[]> {
    const rows = await this.db
      .selectFrom('sample_set_member')
      .select(['sample_id', 'position'])
      .where('sample_set_id', '=', sampleSetId)
      .where(sql<boolean>`position % ${step} = 0`)
      .orderBy('position')
      .execute();
    return rows.map((row) => ({ position: row.position, sampleId: row.sample_id }));
  }

  /** What opens the commitments of one request in one log, in leaf order; nothing once it is erased. */
  async openings(logId: number, requestId: string) {
    const rows = await this.db
      .selectFrom('commitment')
      .innerJoin('entry', (join) =>
        join
          .onRef('entry.log_id', '=', 'commitment.log_id')
          .onRef('entry.leaf_index', '=', 'commitment.leaf_index'),
      )
      .innerJoin('commitment_opening', (join) =>
        join
          .onRef('commitment_opening.log_id', '=', 'commitment.log_id')
          .onRef('commitment_opening.leaf_index', '=', 'commitment.leaf_index'),
      )
      .select([
        'commitment.leaf_index',
        'commitment_opening.sample_id',
        'commitment.position',
        'commitment_opening.content',
        'commitment_opening.salt',
        'entry.leaf',
      ])
      .where('commitment.log_id', '=', logId)
      .where('commitment.request_id', '=', requestId)
      .orderBy('commitment.leaf_index')
      .execute();
    return rows.map((row) => ({
      leafIndex: row.leaf_index,
      sampleId: row.sample_id,
      position: row.position,
      content: row.content,
      salt: row.salt,
      leaf: row.leaf,
    }));
  }
}
