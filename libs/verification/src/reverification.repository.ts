/** Reads how each model's current release stands. Writes nothing. */
import { DATABASE, type Database, type VerificationStatus } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ENDPOINT_RUNTIMES } from './endpoint-runtimes.js';
import type { ReleaseState } from './reverification.js';

interface Row {
  release_id: string;
  runtime: string;
  profile_id: string;
  committed: bigint;
  verified_profile: string | null;
  tree_size: bigint;
  status: VerificationStatus;
  erased_since: boolean;
  issued_at: Date | null;
  expires_at: Date | null;
}

@Injectable()
export class ReverificationRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Each model's current release, where the model has a profile to verify it with. */
  async states(): Promise<ReleaseState[]> {
    const { rows } = await sql<Row>`
      select current.release_id, current.runtime, profile.profile_id, head.next_index as committed,
        newest.profile_id as verified_profile, newest.tree_size, newest.status,
        exists (
          select from lacuna.erasure join lacuna.commitment using (request_id)
          where commitment.log_id = log.log_id and commitment.leaf_index < newest.tree_size
            and erasure.erased_at >= newest.requested_at
        ) as erased_since,
        attested.issued_at, attested.expires_at
      from (
        select distinct on (model_id) * from lacuna.live_release order by model_id, ordinal desc
      ) current
      join lateral (
        select profile_id from lacuna.profile where profile.model_id = current.model_id
        order by ordinal desc limit 1
      ) profile on true
      join lacuna.log on log.model_id = current.model_id
      join lacuna.log_head head using (log_id)
      left join lateral (
        select v.profile_id, v.tree_size, v.requested_at, p.status
        from lacuna.verification v join lacuna.verification_progress p using (verification_id)
        where v.release_id = current.release_id
        order by v.requested_at desc, v.verification_id desc limit 1
      ) newest on true
      left join lateral (
        select a.issued_at, a.expires_at
        from lacuna.verification v join lacuna.attestation a using (verification_id)
        where v.release_id = current.release_id
        order by a.ordinal desc limit 1
      ) attested on true
      order by current.model_id`.execute(this.db);
    return rows.map((row) => ({
      releaseId: row.release_id,
      runsAtEndpoint: ENDPOINT_RUNTIMES.has(row.runtime),
      profileId: row.profile_id,
      committed: row.committed,
      newest:
        row.verified_profile === null
          ? null
          : {
              profileId: row.verified_profile,
              treeSize: row.tree_size,
              status: row.status,
              erasedSince: row.erased_since,
            },
      attestation:
        row.issued_at && row.expires_at ? { issuedAt: row.issued_at, expiresAt: row.expires_at } : null,
    }));
  }
}
