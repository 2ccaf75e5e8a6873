/** SQL of the tables `release_withdrawal` and `release_supersession`. */
import { Inject, Injectable } from '@nestjs/common';
import {
  type Database,
  DATABASE,
  type Queryable,
  type Tables,
  type Tx,
  type WithdrawalReason,
} from '@app/persistence';
import type { Selectable } from 'kysely';

/** That a release is not in use any more. */
export interface Withdrawal {
  readonly releaseId: string;
  readonly reason: WithdrawalReason;
  readonly withdrawnBy: string;
  readonly withdrawnAt: Date;
  readonly eventIndex: bigint;
}

/** That another release of the model took its place. */
export interface Supersession {
  readonly releaseId: string;
  readonly successorId: string;
  /** Who said so. */
  readonly supersededBy: string;
  readonly supersededAt: Date;
  readonly eventIndex: bigint;
}

@Injectable()
export class ReleaseStandingRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Those of `releaseIds` that are withdrawn, in no particular order. */
  async withdrawals(releaseIds: readonly string[], on: Queryable = this.db): Promise<Withdrawal[]> {
    if (releaseIds.length === 0) return [];
    const query = on.selectFrom('release_withdrawal').selectAll();
    return (await query.where('release_id', 'in', [...releaseIds]).execute()).map(toWithdrawal);
  }

  /** Those of `releaseIds` that are superseded, in no particular order. */
  async supersessions(releaseIds: readonly string[], on: Queryable = this.db): Promise<Supersession[]> {
    if (releaseIds.length === 0) return [];
    const query = on.selectFrom('release_supersession').selectAll();
    return (await query.where('release_id', 'in', [...releaseIds]).execute()).map(toSupersession);
  }

  async insertWithdrawal(tx: Tx, withdrawal: Withdrawal): Promise<void> {
    await tx
      .insertInto('release_withdrawal')
      .values({
        release_id: withdrawal.releaseId,
        reason: withdrawal.reason,
        withdrawn_by: withdrawal.withdrawnBy,
        withdrawn_at: withdrawal.withdrawnAt,
        event_index: withdrawal.eventIndex,
      })
      .execute();
  }

  async insertSupersession(tx: Tx, supersession: Supersession): Promise<void> {
    await tx
      .insertInto('release_supersession')
      .values({
        release_id: supersession.releaseId,
        successor_id: supersession.successorId,
        superseded_by: supersession.supersededBy,
        superseded_at: supersession.supersededAt,
        event_index: supersession.eventIndex,
      })
      .execute();
  }
}

function toWithdrawal(row: Selectable<Tables['release_withdrawal']>): Withdrawal {
  return {
    releaseId: row.release_id,
    reason: row.reason,
    withdrawnBy: row.withdrawn_by,
    withdrawnAt: row.withdrawn_at,
    eventIndex: row.event_index,
  };
}

function toSupersession(row: Selectable<Tables['release_supersession']>): Supersession {
  return {
    releaseId: row.release_id,
    successorId: row.successor_id,
    supersededBy: row.superseded_by,
    supersededAt: row.superseded_at,
    eventIndex: row.event_index,
  };
}
