/** Reads what verifications and attestations say of the releases of one model. Writes nothing. */
import { DATABASE, type Database } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';

/** One release in the history of its model. */
export interface TimelineEntry {
  readonly releaseId: string;
  readonly ordinal: number;
  /** The newest verification that is concluded; null before the first. */
  readonly verificationId: string | null;
  readonly verifiedAt: Date | null;
  readonly attestations: {
    readonly count: number;
    /** Of those, how many continued an earlier one over the same commitments before it expired. */
    readonly renewals: number;
    readonly firstIssuedAt: Date | null;
    /** The verification with the release's newest attestation. */
    readonly latestOf: string | null;
  };
}

interface Row {
  release_id: string;
  ordinal: number;
  verification_id: string | null;
  concluded_at: Date | null;
  count: number;
  renewals: number;
  first_issued_at: Date | null;
  latest_of: string | null;
}

@Injectable()
export class TimelineRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** In order of registration, behind the ordinal `after`. */
  async entries(modelId: string, after: number, limit: number): Promise<TimelineEntry[]> {
    const { rows } = await sql<Row>`
      select r.release_id, r.ordinal, newest.verification_id, newest.concluded_at,
        attested.count, attested.renewals, attested.first_issued_at, attested.latest_of
      from lacuna.release r
      left join lateral (
        select v.verification_id, o.concluded_at
        from lacuna.verification v join lacuna.verification_outcome o using (verification_id)
        where v.release_id = r.release_id
        order by v.requested_at desc, v.verification_id desc limit 1
      ) newest on true
      cross join lateral (
        select count(*)::int as count, count(*) filter (where v.cause = 'renewal')::int as renewals,
          min(a.issued_at) as first_issued_at,
          (array_agg(a.verification_id order by a.ordinal desc))[1] as latest_of
        from lacuna.verification v join lacuna.attestation a using (verification_id)
        where v.release_id = r.release_id
      ) attested
      where r.model_id = ${modelId} and r.ordinal > ${after}
      order by r.ordinal limit ${limit}`.execute(this.db);
    return rows.map((row) => ({
      releaseId: row.release_id,
      ordinal: row.ordinal,
      verificationId: row.verification_id,
      verifiedAt: row.concluded_at,
      attestations: {
        count: row.count,
        renewals: row.renewals,
        firstIssuedAt: row.first_issued_at,
        latestOf: row.latest_of,
      },
    }));
  }
}
