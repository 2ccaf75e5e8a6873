/**
 * Second opinions for language models from average token negative log-likelihoods (nats): loss, ratio, ratio online
 * and LiRA online of the paper's MUSE experiments. RMIA online is rmia.ts on e^-nll.
 *
 * Direction of all: higher = more unlearned (the reference prints their negatives as membership scores).
 * Proven by llm-baselines.spec.ts and the `llm` family of test/vectors/iam.
 */
import { average } from './average.js';
import { exp, log } from './elementary.js';
import { gaussiansAsPublished, gaussiansOf, liraOnline, pooledDeviation } from './lira.js';

/** Losses of the same samples, in nats; NaN where a model gave none. */
export interface LossSignals {
  /** Under the release under test, `[samples]`. */
  readonly target: Float64Array;
  /** Under models never trained on the samples, row-major `[samples x shadows]`. */
  readonly out: Float64Array;
  readonly shadows: number;
  /** Under the model before unlearning, `[samples]`. */
  readonly in_: Float64Array;
}

/** Guards ln(p / (1 - p + 1e-30)) at p = 1, as the reference does: a token sequence known for certain. */
const CERTAINTY_GUARD = 1e-30;

/** The release's loss over the mean OUT loss; > 0, NaN where a loss is not usable or the OUT loss is 0. */
export function lossRatio({ target, out, shadows }: Omit<LossSignals, 'in_'>): Float64Array {
  return target.map((loss, i) => {
    const ratio = loss / average(out.subarray(i * shadows, (i + 1) * shadows));
    return Number.isFinite(ratio) ? ratio : NaN;
  });
}

/**
 * "ratio_online" of the published tables: LiRA online on the logit of e^-nll with the reference's deviations of
 * 0 + 1e-30 (fault `zero-variance-spike`, lira.ts). With one OUT model both sides have the same spike, so the
 * order of the samples is that of {@link liraOnlineOfLosses} all the same; the values are of order 1e60.
 */
export function ratioOnlineAsPublished({ target, out, shadows, in_ }: LossSignals): Float64Array {
  const outLogits = out.map(logitOfLoss);
  const inLogits = in_.map(logitOfLoss);
  return liraOnline(
    target.map(logitOfLoss),
    gaussiansAsPublished(outLogits, shadows),
    gaussiansAsPublished(inLogits, 1),
  );
}

/** LiRA online on the logit of e^-nll with one deviation for all samples, that of the OUT models. */
export function liraOnlineOfLosses({ target, out, shadows, in_ }: LossSignals): Float64Array {
  const outLogits = out.map(logitOfLoss);
  const deviation = pooledDeviation(outLogits, shadows);
  return liraOnline(
    target.map(logitOfLoss),
    gaussiansOf(outLogits, shadows, deviation),
    gaussiansOf(in_.map(logitOfLoss), 1, deviation),
  );
}

/** ln(p / (1 - p + 1e-30)), p = e^-nll; NaN for a negative, infinite or missing loss. */
function logitOfLoss(nll: number): number {
  if (!(nll >= 0 && nll < Infinity)) return NaN;
  const p = exp(-nll);
  return log(p / (1 - p + CERTAINTY_GUARD));
}
