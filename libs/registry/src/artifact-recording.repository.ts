/** SQL of the table `artifact_recording`: which recordings hold the signals of a release or reference. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Tx } from '@app/persistence';
import { sql } from 'kysely';

/** One recording as part of an artifact's signals; part 0 came with its registration. */
export interface AttachedRecording {
  /** The release or reference. */
  readonly artifactId: string;
  readonly part: number;
  readonly recordingId: string;
  readonly eventIndex: bigint;
}

@Injectable()
export class ArtifactRecordingRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async insert(tx: Tx, attached: AttachedRecording): Promise<void> {
    await tx
      .insertInto('artifact_recording')
      .values({
        artifact_id: attached.artifactId,
        part: attached.part,
        recording_id: attached.recordingId,
        event_index: attached.eventIndex,
      })
      .execute();
  }

  /** In the order of their parts. */
  async of(artifactId: string): Promise<AttachedRecording[]> {
    const rows = await this.db
      .selectFrom('artifact_recording')
      .selectAll()
      .where('artifact_id', '=', artifactId)
      .orderBy('part')
      .execute();
    return rows.map((row) => ({
      artifactId: row.artifact_id,
      part: row.part,
      recordingId: row.recording_id,
      eventIndex: row.event_index,
    }));
  }

  /** First line of `recordingId` whose sample the parts of the artifact hold already, or null. */
  async firstRecordedAgain(artifactId: string, recordingId: string): Promise<number | null> {
    const { rows } = await sql<{ line: number }>`
      select fresh.line from recorded_signal fresh
      join artifact_recording part on part.artifact_id = ${artifactId}
      join recorded_signal earlier
        on earlier.recording_id = part.recording_id and earlier.sample_id = fresh.sample_id
      where fresh.recording_id = ${recordingId}
      order by fresh.line limit 1`.execute(this.db);
    return rows[0]?.line ?? null;
  }

  /**
   * First line of `recordingId` whose sample the model does not know, or null. Known are samples of the original
   * reference, of the model's sample sets and of its commitments; that only ever grows, so an answer of null stays true.
   */
  async firstUnknown(recordingId: string, modelId: string): Promise<number | null> {
    const { rows } = await sql<{ line: number }>`
      select fresh.line from recorded_signal fresh
      where fresh.recording_id = ${recordingId}
        and not exists (
          select from reference
          join artifact_recording part on part.artifact_id = reference.reference_id
          join recorded_signal known on known.recording_id = part.recording_id
          where reference.model_id = ${modelId} and reference.role = 'original'
            and known.sample_id = fresh.sample_id)
        and not exists (
          select from sample_set
          join sample_set_member member using (sample_set_id)
          where sample_set.model_id = ${modelId} and member.sample_id = fresh.sample_id)
        and not exists (
          select from log join commitment_opening using (log_id)
          where log.model_id = ${modelId} and commitment_opening.sample_id = fresh.sample_id)
      order by fresh.line limit 1`.execute(this.db);
    return rows[0]?.line ?? null;
  }
}
