/**
 * What the simpler attacks say about the same samples, from one raw signal per model and sample: true-class probability
 * or average token loss. Proven by score-board.spec.ts and, formula by formula, by the specs of the files used.
 */
import { average } from './average.js';
import { log } from './elementary.js';
import { IamError } from './errors.js';
import {
  gaussiansAsPublished,
  gaussiansOf,
  liraOneSided,
  liraOnline,
  pooledDeviation,
  updateLira,
} from './lira.js';
import { logitOfLoss } from './logit-of-loss.js';
import type { SignalKind } from './parameters.js';
import { scaledLogitOfProbability } from './signals.js';

/** Raw signals of the same samples: all probabilities, or all losses in nats. NaN where a model gave none. */
export interface RawSignals {
  /** Under the release, `[samples]`. */
  readonly target: Float64Array;
  /** Under models never trained on the samples, row-major `[samples x shadows]`. */
  readonly out: Float64Array;
  readonly shadows: number;
  /** Under the model before unlearning, `[samples]`. */
  readonly in_: Float64Array;
}

/** Keeps the logarithm of a probability of 0 finite, as the scaled logit does. */
const LOGARITHM_FLOOR = 1e-45;

/**
 * Membership scores `[samples]` by name, **higher = more like a member**, NaN where a signal is not usable:
 * - `loss`: minus the loss, or the probability;
 * - `ratio`: minus loss / mean OUT loss; for probabilities ln p - ln mean OUT p;
 * - `difference`: how little the release changed, minus the loss' rise (or the probability's fall) since the original;
 * - `lira`: one-sided offline LiRA on the logit, one deviation for all samples;
 * - `lira_online`: LiRA online with that deviation for IN and OUT;
 * - `ratio_online`: LiRA online as published, fault `zero-variance-spike` included (lira.ts);
 * - `update_lira`: see lira.ts.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_SCALE_DEGENERATE (OUT signals without any spread).
 */
export function secondOpinions(raw: RawSignals, kind: SignalKind): Record<string, Float64Array> {
  const { target, out, in_, shadows } = raw;
  if (in_.length !== target.length || out.length !== target.length * shadows) {
    throw new IamError(
      'IAM_LENGTH_MISMATCH',
      'every sample needs one IN signal and one OUT signal per shadow',
      {
        details: { target: target.length, in: in_.length, out: out.length, shadows },
      },
    );
  }
  const logits = (signals: Float64Array) =>
    signals.map(kind === 'loss' ? logitOfLoss : scaledLogitOfProbability);
  const [release, shadow, original] = [logits(target), logits(out), logits(in_)];
  const deviation = pooledDeviation(shadow, shadows);
  const outFits = gaussiansOf(shadow, shadows, deviation);
  const inFits = gaussiansOf(original, 1, deviation);
  const published = [gaussiansAsPublished(shadow, shadows), gaussiansAsPublished(original, 1)] as const;
  const sign = kind === 'loss' ? -1 : 1;
  return {
    loss: target.map((signal) => sign * signal),
    ratio: target.map((signal, i) => {
      const outMean = average(out.subarray(i * shadows, (i + 1) * shadows));
      return kind === 'loss'
        ? -signal / outMean
        : log(signal + LOGARITHM_FLOOR) - log(outMean + LOGARITHM_FLOOR);
    }),
    difference: target.map((signal, i) => sign * (signal - in_[i]!)),
    lira: negated(liraOneSided(release, outFits)),
    ratio_online: negated(liraOnline(release, ...published)),
    lira_online: negated(liraOnline(release, outFits, inFits)),
    update_lira: negated(updateLira(release, original, outFits)),
  };
}

function negated(values: Float64Array): Float64Array {
  return values.map((value) => -value);
}
