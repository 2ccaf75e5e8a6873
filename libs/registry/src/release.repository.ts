/** SQL of the table `release`. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Queryable, type Tables, type Tx } from '@app/persistence';
import type { Selectable } from 'kysely';
import { fromHex, toHex } from './digest-hex.js';
import { byEvent } from './event-order.js';
import { fetchPage, type Page, type PageRequest } from './page.js';

/** One immutable version of a model. */
export interface Release {
  readonly releaseId: string;
  readonly modelId: string;
  /** 0 for the model's first release; the highest of those in use is the current one. */
  readonly ordinal: number;
  readonly name: string;
  /** SHA-256 of the artifact, lowercase hex; where only signals are given, of the first recording. */
  readonly artifactDigest: string;
  readonly runtime: string;
  /** Size of the commitment log when it was registered: every verification covers at least these. */
  readonly committedBefore: bigint;
  readonly registeredAt: Date;
  readonly eventIndex: bigint;
}

@Injectable()
export class ReleaseRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async insert(tx: Tx, release: Release): Promise<void> {
    await tx
      .insertInto('release')
      .values({
        release_id: release.releaseId,
        model_id: release.modelId,
        ordinal: release.ordinal,
        name: release.name,
        artifact_digest: fromHex(release.artifactDigest),
        runtime: release.runtime,
        committed_before: release.committedBefore,
        registered_at: release.registeredAt,
        event_index: release.eventIndex,
      })
      .execute();
  }

  async find(releaseIds: readonly string[]): Promise<Release[]> {
    if (releaseIds.length === 0) return [];
    const query = this.db.selectFrom('release').selectAll();
    const rows = await query.where('release_id', 'in', [...releaseIds]).execute();
    return rows.map(toRelease);
  }

  async findByName(modelId: string, name: string): Promise<Release | undefined> {
    const query = this.db.selectFrom('release').selectAll().where('model_id', '=', modelId);
    const row = await query.where('name', '=', name).executeTakeFirst();
    return row && toRelease(row);
  }

  /** The ordinal of the model's next release. */
  async nextOrdinal(modelId: string): Promise<number> {
    const query = this.db.selectFrom('release').select('ordinal').where('model_id', '=', modelId);
    const row = await query.orderBy('ordinal', 'desc').limit(1).executeTakeFirst();
    return (row?.ordinal ?? -1) + 1;
  }

  /** The model's live release with the highest ordinal. */
  async current(modelId: string, on: Queryable = this.db): Promise<Release | undefined> {
    const query = on.selectFrom('live_release').selectAll().where('model_id', '=', modelId);
    const row = await query.orderBy('ordinal', 'desc').limit(1).executeTakeFirst();
    return row && toRelease(row);
  }

  /** The current release of each of `modelIds` that has one, in no particular order. */
  async currentOf(modelIds: readonly string[]): Promise<Release[]> {
    if (modelIds.length === 0) return [];
    const rows = await this.db
      .selectFrom('live_release')
      .distinctOn('model_id')
      .selectAll()
      .where('model_id', 'in', [...modelIds])
      .orderBy('model_id')
      .orderBy('ordinal', 'desc')
      .execute();
    return rows.map(toRelease);
  }

  list(modelId: string | null, request: PageRequest): Promise<Page<Release>> {
    const all = this.db.selectFrom('release').selectAll();
    const query = modelId === null ? all : all.where('model_id', '=', modelId);
    return fetchPage(query, byEvent<Release>('release'), request, toRelease);
  }
}

function toRelease(row: Selectable<Tables['release']>): Release {
  return {
    releaseId: row.release_id,
    modelId: row.model_id,
    ordinal: row.ordinal,
    name: row.name,
    artifactDigest: toHex(row.artifact_digest),
    runtime: row.runtime,
    committedBefore: row.committed_before,
    registeredAt: row.registered_at,
    eventIndex: row.event_index,
  };
}
