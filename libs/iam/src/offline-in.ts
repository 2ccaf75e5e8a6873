import { IamError } from './errors.js';
import { ExactSum } from './exact-sum.js';
import { isSignal } from './moments.js';

/**
 * Returns the IN signal of offline measurement: the mean over the shadow models of each one's mean signal on the samples
 * it was trained on (Wang et al. 2025, section 4.3). What a member looks like where the original model is not to be had.
 * Each mean is taken over an exact sum, so the order of the samples does not matter.
 * @param trainingSignals for each shadow model its signals `[training samples]`; unusable ones (NaN) are left out
 * @throws IAM_OFFLINE_IN_INVALID where there is no model, or one without a usable signal
 */
export function offlineInSignal(trainingSignals: readonly Float64Array[]): number {
  const means = trainingSignals.map((signals) => exactMean(signals.filter(isSignal)));
  const mean = exactMean(Float64Array.from(means));
  if (Number.isFinite(mean)) return mean;
  throw new IamError('IAM_OFFLINE_IN_INVALID', 'every shadow model needs a signal on its own training data', {
    details: { shadows: trainingSignals.length },
  });
}

/** NaN for no values. */
function exactMean(values: Float64Array): number {
  const sum = new ExactSum();
  for (const value of values) {
    if (Number.isNaN(value)) return NaN;
    sum.add(value);
  }
  return sum.toNumber() / values.length;
}
