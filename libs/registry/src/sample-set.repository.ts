/** SQL of the tables `sample_set` and `sample_set_member`. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Tables, type Tx } from '@app/persistence';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { fromHex, toHex } from './digest-hex.js';
import { byEvent } from './event-order.js';
import { fetchPage, type Page, type PageRequest } from './page.js';
import type { SampleSetMember } from './sample-set-digest.js';

/** calibration: never trained on (the null distribution). controls: trained on still (the power check). */
export type SampleSetRole = 'calibration' | 'controls';

export interface SampleSet {
  readonly sampleSetId: string;
  readonly modelId: string;
  readonly role: SampleSetRole;
  readonly name: string;
  readonly size: number;
  /** See sample-set-digest.ts; lowercase hex. */
  readonly digest: string;
  /** Clusters of samples that stick together; null: registered without. */
  readonly clusterCount: number | null;
  /** Frozen calibration: its signals under `trustedUnder`. Null: scored under each release. */
  readonly recordingId: string | null;
  /** The trusted, never-trained release whose signals are frozen, in the platform's words. */
  readonly trustedUnder: string | null;
  readonly registeredAt: Date;
  readonly eventIndex: bigint;
}

/** Where the members of a new set come from. */
export type MemberSource =
  { readonly members: readonly SampleSetMember[] } | { readonly recordingId: string };

/** Rows of one read; see recording.repository.ts. */
const READ_BATCH = 10_000;

@Injectable()
export class SampleSetRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async insert(tx: Tx, set: SampleSet, source: MemberSource): Promise<void> {
    await tx
      .insertInto('sample_set')
      .values({
        sample_set_id: set.sampleSetId,
        model_id: set.modelId,
        role: set.role,
        name: set.name,
        size: set.size,
        digest: fromHex(set.digest),
        cluster_count: set.clusterCount,
        recording_id: set.recordingId,
        trusted_under: set.trustedUnder,
        registered_at: set.registeredAt,
        event_index: set.eventIndex,
      })
      .execute();
    await sql`insert into sample_set_member (sample_set_id, position, sample_id, cluster_id)
      select ${set.sampleSetId}::uuid, row_number() over (order by sample_id collate "C") - 1, sample_id, cluster_id
      from ${samplesOf(source)}`.execute(tx);
  }

  /** How many samples of the set are in sets of the other role, and how many are committed. */
  async collisions(tx: Tx, set: SampleSet): Promise<{ otherRole: boolean; committed: boolean }> {
    const { rows } = await sql<{ otherRole: boolean; committed: boolean }>`select
      exists (
        select from sample_set_member mine
        join sample_set_member theirs on theirs.sample_id = mine.sample_id
        join sample_set other on other.sample_set_id = theirs.sample_set_id
        where mine.sample_set_id = ${set.sampleSetId} and other.model_id = ${set.modelId}
          and other.role <> ${set.role}
      ) as "otherRole",
      exists (
        select from sample_set_member mine
        join log on log.model_id = ${set.modelId}
        join commitment_opening opening on opening.log_id = log.log_id and opening.sample_id = mine.sample_id
        where mine.sample_set_id = ${set.sampleSetId}
      ) as committed`.execute(tx);
    return rows[0]!;
  }

  /** Position (0 = first) of the first of `sampleIds` that a calibration set of the model holds, or null. */
  async firstInCalibration(tx: Tx, modelId: string, sampleIds: readonly string[]): Promise<number | null> {
    const { rows } = await sql<{ position: number }>`
      select (wanted.place - 1)::integer as position
      from unnest(${[...sampleIds]}::text[]) with ordinality wanted (sample_id, place)
      join sample_set on sample_set.model_id = ${modelId} and sample_set.role = 'calibration'
      -- The limit keeps the planner from reading whole sets when its statistics are old.
      cross join lateral (
        select from sample_set_member member
        where member.sample_set_id = sample_set.sample_set_id and member.sample_id = wanted.sample_id limit 1
      ) as hit
      order by wanted.place limit 1`.execute(tx);
    return rows[0]?.position ?? null;
  }

  /** Those of `sampleIds` that a calibration set of the model holds now. */
  async inCalibration(modelId: string, sampleIds: readonly string[]): Promise<string[]> {
    const { rows } = await sql<{ sampleId: string }>`
      select distinct wanted.sample_id as "sampleId" from unnest(${[...sampleIds]}::text[]) wanted (sample_id)
      join sample_set on sample_set.model_id = ${modelId} and sample_set.role = 'calibration'
      -- As above: one index look-up each.
      cross join lateral (
        select from sample_set_member member
        where member.sample_set_id = sample_set.sample_set_id and member.sample_id = wanted.sample_id limit 1
      ) as hit`.execute(this.db);
    return rows.map(({ sampleId }) => sampleId);
  }

  async find(sampleSetIds: readonly string[]): Promise<SampleSet[]> {
    if (sampleSetIds.length === 0) return [];
    const query = this.db.selectFrom('sample_set').selectAll();
    const rows = await query.where('sample_set_id', 'in', [...sampleSetIds]).execute();
    return rows.map(toSampleSet);
  }

  list(modelId: string | null, request: PageRequest): Promise<Page<SampleSet>> {
    const all = this.db.selectFrom('sample_set').selectAll();
    const query = modelId === null ? all : all.where('model_id', '=', modelId);
    return fetchPage(query, byEvent<SampleSet>('sample_set'), request, toSampleSet);
  }

  /** At most `limit` members from position `from` on, in order. */
  async members(sampleSetId: string, from: number, limit: number): Promise<string[]> {
    return (await this.memberRows(sampleSetId, from, limit)).map((row) => row.sample_id);
  }

  /** All members in order, without trusting positions to be dense. */
  async *allMembers(sampleSetId: string): AsyncGenerator<SampleSetMember> {
    for (let from: number | null = 0; from !== null;) {
      const rows = await this.memberRows(sampleSetId, from, READ_BATCH);
      for (const row of rows) yield { sampleId: row.sample_id, clusterId: row.cluster_id };
      const end: number = from + READ_BATCH;
      from = rows.length === READ_BATCH ? end : await this.firstPosition(sampleSetId, end);
    }
  }

  /** Null where no member is at `from` or behind it. */
  private async firstPosition(sampleSetId: string, from: number): Promise<number | null> {
    const row = await this.db
      .selectFrom('sample_set_member')
      .select((eb) => eb.fn.min('position').as('position'))
      .where('sample_set_id', '=', sampleSetId)
      .where('position', '>=', from)
      .executeTakeFirstOrThrow();
    return row.position;
  }

  /** Bounded on both sides: while statistics are old a limit alone has the planner sort all that is left of a set. */
  private memberRows(sampleSetId: string, from: number, limit: number) {
    return this.db
      .selectFrom('sample_set_member')
      .select(['position', 'sample_id', 'cluster_id'])
      .where('sample_set_id', '=', sampleSetId)
      .where('position', '>=', from)
      .where('position', '<', from + limit)
      .orderBy('position')
      .execute();
  }
}

function samplesOf(source: MemberSource): RawBuilder<unknown> {
  if ('recordingId' in source)
    return sql`(select sample_id, null::text as cluster_id from recorded_signal where recording_id = ${source.recordingId}) as wanted`;
  const sampleIds = source.members.map(({ sampleId }) => sampleId);
  const clusterIds = source.members.map(({ clusterId }) => clusterId);
  return sql`unnest(${sampleIds}::text[], ${clusterIds}::text[]) as wanted (sample_id, cluster_id)`;
}

function toSampleSet(row: Selectable<Tables['sample_set']>): SampleSet {
  return {
    sampleSetId: row.sample_set_id,
    modelId: row.model_id,
    role: row.role,
    name: row.name,
    size: row.size,
    digest: toHex(row.digest),
    clusterCount: row.cluster_count,
    recordingId: row.recording_id,
    trustedUnder: row.trusted_under,
    registeredAt: row.registered_at,
    eventIndex: row.event_index,
  };
}
