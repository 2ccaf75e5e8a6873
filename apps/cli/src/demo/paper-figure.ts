import { auc, DEFAULT_PARAMETERS, scorePooled, transformSignal } from '@app/iam';
import type { Dataset, RecordedRelease } from './dataset.js';

/** Samples that share one spread in the published evaluation. */
const PAPER_BATCH = 64;

/**
 * The paper's own figure: AUC of retained against forgotten samples, all of them, IAM for language models with the
 * spread taken from consecutive batches of 64 in file order.
 */
export function paperAuc(dataset: Dataset, release: RecordedRelease): number {
  const parameters = DEFAULT_PARAMETERS.loss;
  const signals = (losses: Float64Array) => losses.map((loss) => transformSignal(loss, parameters));
  const completeness = scorePooled({
    target: signals(release.losses),
    out: signals(dataset.shadow),
    shadows: 1,
    in_: signals(dataset.original),
    signalKind: 'loss',
    likelihood: parameters.likelihood,
    levels: parameters.levels,
    batch: PAPER_BATCH,
  });
  return auc(
    completeness.map((score) => 1 - score),
    dataset.retained,
  );
}
