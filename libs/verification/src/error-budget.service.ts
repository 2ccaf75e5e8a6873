/**
 * Holds each release to its share of the model's error budget, once. Its level depends on its place among the model's
 * releases and on the alarms of earlier ones, so the order in which workers finish changes no weight; an alarm that is not
 * known yet only makes the level smaller, which is the safe side (asynchronous testing, see the rule's sources in
 * `error-budget.ts` of the iam library). Proven by test/medium/verification-releases.spec.ts.
 */
import { openErrorBudget, spendErrorBudget } from '@app/iam';
import type { Tx } from '@app/persistence';
import { Injectable } from '@nestjs/common';
import { type BudgetSpend, ErrorBudgetRepository } from './error-budget.repository.js';
import { FactsRepository } from './facts.repository.js';
import type { AttestedBudget } from './summary.js';
import type { Decision } from './verdict.js';

@Injectable()
export class ErrorBudgetService {
  constructor(
    private readonly budgets: ErrorBudgetRepository,
    private readonly facts: FactsRepository,
  ) {}

  /**
   * What the release is held to: spent now, or by its first verification. Null while no request of it could be tested.
   * @param at time of a spend made now
   */
  async spend(
    tx: Tx,
    { releaseId, verificationId }: { readonly releaseId: string; readonly verificationId: string },
    decision: Pick<Decision, 'releasePValue' | 'requests'>,
    at: Date,
  ): Promise<AttestedBudget | null> {
    if (decision.requests.some(({ pResidual }) => pResidual !== null)) {
      const spent = await this.budgets.ofRelease(releaseId, tx);
      if (!spent) {
        const spend = await this.decide(tx, releaseId, decision.releasePValue);
        await this.budgets.insert(tx, { ...spend, verificationId, spentAt: at });
      }
    }
    const held = await this.budgets.ofRelease(releaseId, tx);
    return held ? attested(held, verificationId) : null;
  }

  private async decide(
    tx: Tx,
    releaseId: string,
    pValue: number,
  ): Promise<Omit<BudgetSpend, 'verificationId' | 'spentAt'>> {
    const { modelId, ordinal } = (await this.facts.release(releaseId))!;
    const fresh = openErrorBudget();
    const { rule, target, horizon } = fresh;
    const epoch = Math.floor(ordinal / horizon);
    const place = ordinal % horizon;
    const alarmsBefore = await this.budgets.alarmsBefore(tx, modelId, epoch, ordinal);
    const before = { ...fresh, epoch, tested: place, alarms: alarmsBefore };
    const { level, alarm } = spendErrorBudget(before, pValue);
    return { releaseId, rule, target, horizon, epoch, place, alarmsBefore, pValue, level, alarm };
  }
}

function attested(
  { rule, target, horizon, epoch, place, alarmsBefore, pValue, level, alarm, ...spent }: BudgetSpend,
  verificationId: string,
): AttestedBudget {
  return {
    rule,
    target,
    horizon,
    epoch,
    place,
    alarmsBefore,
    pValue,
    level,
    alarm,
    spentHere: spent.verificationId === verificationId,
  };
}
