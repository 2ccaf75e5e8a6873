/** Owns `profile`: frozen measurement profiles. */
import { DATABASE, type Database, type Queryable, type Tx } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { type MeasurementProfile, parseProfile } from './profile-document.js';

export interface NewProfile {
  readonly profileId: string;
  readonly modelId: string;
  readonly ordinal: number;
  readonly digest: string;
  readonly text: string;
  readonly frozenAt: Date;
  readonly eventIndex: bigint;
}

/** A profile with its place in the event log, for lists. */
export interface ListedProfile extends MeasurementProfile {
  readonly eventIndex: bigint;
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

@Injectable()
export class ProfileRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async find(profileId: string): Promise<ListedProfile | undefined> {
    const row = await this.db
      .selectFrom('profile')
      .selectAll()
      .where('profile_id', '=', profileId)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** The model's newest profile: the one that new verifications use. */
  async current(modelId: string): Promise<ListedProfile | undefined> {
    const row = await this.db
      .selectFrom('profile')
      .selectAll()
      .where('model_id', '=', modelId)
      .orderBy('ordinal', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  async idOfDigest(db: Queryable, digest: string): Promise<string | undefined> {
    const row = await db
      .selectFrom('profile')
      .select('profile_id')
      .where('digest', '=', bytes(digest))
      .executeTakeFirst();
    return row?.profile_id;
  }

  async nextOrdinal(modelId: string): Promise<number> {
    const row = await this.db
      .selectFrom('profile')
      .select('ordinal')
      .where('model_id', '=', modelId)
      .orderBy('ordinal', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row ? row.ordinal + 1 : 0;
  }

  /** In order of freezing, behind the event index `after`. */
  async list(modelId: string, after: bigint | null, limit: number): Promise<ListedProfile[]> {
    let query = this.db.selectFrom('profile').selectAll().where('model_id', '=', modelId);
    if (after !== null) query = query.where('event_index', '>', after);
    return (await query.orderBy('event_index').limit(limit).execute()).map(fromRow);
  }

  async insert(tx: Tx, profile: NewProfile): Promise<void> {
    await tx
      .insertInto('profile')
      .values({
        profile_id: profile.profileId,
        model_id: profile.modelId,
        ordinal: profile.ordinal,
        digest: bytes(profile.digest),
        document: profile.text,
        frozen_at: profile.frozenAt,
        event_index: profile.eventIndex,
      })
      .execute();
  }
}

interface Row {
  profile_id: string;
  model_id: string;
  ordinal: number;
  digest: Uint8Array;
  document: string;
  frozen_at: Date;
  event_index: bigint;
}

function fromRow(row: Row): ListedProfile {
  const digest = Buffer.from(row.digest).toString('hex');
  return {
    profileId: row.profile_id,
    modelId: row.model_id,
    ordinal: row.ordinal,
    digest,
    text: row.document,
    ...parseProfile(row.document, digest),
    frozenAt: row.frozen_at,
    eventIndex: row.event_index,
  };
}
