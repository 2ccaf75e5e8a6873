/** Owns `error_budget_spend`: what each release of a model was held to. */
import type { ErrorBudget } from '@app/iam';
import { DATABASE, type Database, type Queryable, type Tx } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';

export interface BudgetSpend {
  readonly releaseId: string;
  /** The release's first verification that had a request to test. */
  readonly verificationId: string;
  readonly rule: ErrorBudget['rule'];
  readonly target: number;
  readonly horizon: number;
  readonly epoch: number;
  /** Of the release among the model's releases in the epoch, from 0. */
  readonly place: number;
  readonly alarmsBefore: number;
  readonly pValue: number;
  readonly level: number;
  readonly alarm: boolean;
  readonly spentAt: Date;
}

@Injectable()
export class ErrorBudgetRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async ofRelease(releaseId: string, db: Queryable = this.db): Promise<BudgetSpend | undefined> {
    const row = await db
      .selectFrom('error_budget_spend')
      .selectAll()
      .where('release_id', '=', releaseId)
      .executeTakeFirst();
    return (
      row && {
        releaseId: row.release_id,
        verificationId: row.verification_id,
        rule: row.rule as ErrorBudget['rule'],
        target: row.target,
        horizon: row.horizon,
        epoch: row.epoch,
        place: row.place,
        alarmsBefore: row.alarms_before,
        pValue: row.p_value,
        level: row.level,
        alarm: row.alarm,
        spentAt: row.spent_at,
      }
    );
  }

  /** Known alarms of the model's releases of `epoch` that were registered before `ordinal`. */
  async alarmsBefore(tx: Tx, modelId: string, epoch: number, ordinal: number): Promise<number> {
    const row = await tx
      .selectFrom('error_budget_spend as s')
      .innerJoin('release as r', 'r.release_id', 's.release_id')
      .select(({ fn }) => fn.countAll<bigint>().as('count'))
      .where('r.model_id', '=', modelId)
      .where('r.ordinal', '<', ordinal)
      .where('s.epoch', '=', epoch)
      .where('s.alarm', '=', true)
      .executeTakeFirstOrThrow();
    return Number(row.count);
  }

  /** Keeps the first spend of a release; a second one changes nothing. */
  async insert(tx: Tx, spend: BudgetSpend): Promise<void> {
    await tx
      .insertInto('error_budget_spend')
      .values({
        release_id: spend.releaseId,
        verification_id: spend.verificationId,
        rule: spend.rule,
        target: spend.target,
        horizon: spend.horizon,
        epoch: spend.epoch,
        place: spend.place,
        alarms_before: spend.alarmsBefore,
        p_value: spend.pValue,
        level: spend.level,
        alarm: spend.alarm,
        spent_at: spend.spentAt,
      })
      .onConflict((conflict) => conflict.column('release_id').doNothing())
      .execute();
  }
}
