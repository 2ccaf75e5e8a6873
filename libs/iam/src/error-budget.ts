/**
 * The error budget of a model over its releases: each verification brings one p-value (that no committed sample left a
 * residue), and a thousand sound releases must not raise a thousand alarms.
 *
 * Rule: LOND (Javanmard and Montanari, "On online control of false discovery rate", 2015) in the form that holds under
 * positive dependence (Zrnic, Ramdas and Jordan, "Asynchronous online testing of multiple hypotheses", JMLR 2021):
 *   level_t = target * weight_t * max(alarms so far, 1), alarm when p_t <= level_t,
 * with weights that sum to at most 1. The expected share of false alarms among all alarms of an epoch is at most
 * `target`, and so is the probability of any alarm while every release is sound. Positive dependence is what releases
 * of one model have: they share commitments, calibration and controls. LORD++ and SAFFRON spend more sharply but need
 * independent p-values.
 *
 * Weights: half decays (6/(pi^2 t^2), so that the first releases keep useful levels), half is spread evenly over the
 * epoch, so that the thousandth release can still alarm. After `horizon` releases a new epoch starts with a fresh
 * budget: the promise is one per epoch. Pure: state in, state out, plain JSON. Proven by error-budget.spec.ts.
 */
import { IamError } from './errors.js';

/** Plain JSON; keep it with the model. */
export interface ErrorBudget {
  readonly rule: 'LOND-PRDS-1';
  /** Largest expected share of false alarms, in (0, 1). */
  readonly target: number;
  /** Releases in one epoch, >= 1. */
  readonly horizon: number;
  /** Counts from 0. */
  readonly epoch: number;
  /** Releases tested in this epoch, in [0, horizon). */
  readonly tested: number;
  /** Alarms in this epoch. */
  readonly alarms: number;
}

export interface BudgetDecision {
  readonly budget: ErrorBudget;
  /** What this release's p-value was held to. */
  readonly level: number;
  readonly alarm: boolean;
}

/** A smaller target finds less; a larger one lets more alarms be false. */
const DEFAULT_TARGET = 0.05;
/** A shorter epoch renews the promise (and its false alarms) more often; a longer one leaves later releases less. */
const DEFAULT_HORIZON = 1_000;

/**
 * A budget nothing was spent of.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for a target outside (0, 1) or a horizon below 1
 */
export function openErrorBudget(target = DEFAULT_TARGET, horizon = DEFAULT_HORIZON): ErrorBudget {
  if (!(target > 0 && target < 1) || !Number.isInteger(horizon) || horizon < 1) {
    throw new IamError(
      'IAM_PARAMETER_OUT_OF_RANGE',
      'a budget needs a target in (0, 1) and a horizon of at least 1',
      {
        details: { target, horizon },
      },
    );
  }
  return { rule: 'LOND-PRDS-1', target, horizon, epoch: 0, tested: 0, alarms: 0 };
}

/** The level the next release will be held to, in (0, 1). Known before its p-value: compute p finely enough for it. */
export function nextLevel({ target, horizon, tested, alarms }: ErrorBudget): number {
  const t = tested + 1;
  const weight = 3 / (Math.PI * t) ** 2 + 0.5 / horizon;
  return target * weight * Math.max(alarms, 1);
}

/**
 * The decision on the next release and the budget after it. Spend once per verified release, in order; a repeated
 * verification of the same release is no new release.
 * @param pValue in [0, 1], see `simesPValue`
 * @throws IAM_PARAMETER_OUT_OF_RANGE for a p-value outside [0, 1] (NaN included)
 */
export function spendErrorBudget(budget: ErrorBudget, pValue: number): BudgetDecision {
  if (!(pValue >= 0 && pValue <= 1)) {
    throw new IamError('IAM_PARAMETER_OUT_OF_RANGE', 'a p-value lies outside [0, 1]');
  }
  const level = nextLevel(budget);
  const alarm = pValue <= level;
  const tested = budget.tested + 1;
  const alarms = budget.alarms + (alarm ? 1 : 0);
  const ended = tested === budget.horizon;
  const spent = ended
    ? { ...budget, epoch: budget.epoch + 1, tested: 0, alarms: 0 }
    : { ...budget, tested, alarms };
  return { budget: spent, level, alarm };
}
