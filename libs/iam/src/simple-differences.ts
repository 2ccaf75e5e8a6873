/**
 * The plainest second opinions: what the release changed on a sample against the original model, without any
 * shadow model. Direction of all: higher = more unlearned. Proven by the `simple` family of test/vectors/iam.
 */

/** Signals of the same samples under one model, each `[samples]`; see signals.ts. */
export interface PlainSignals {
  /** True-class probability. */
  readonly probability: Float64Array;
  /** Cross entropy, nats. */
  readonly loss: Float64Array;
  /** Scaled logit. */
  readonly scaledLogit: Float64Array;
  /** Bounded Gumbel signal, normalised. */
  readonly gumbel: Float64Array;
}

/** Each `[samples]`; NaN where a signal it needs is NaN. */
export interface SimpleDifferences {
  /** Minus the release's true-class probability: needs no original model. */
  readonly lowProbability: Float64Array;
  readonly probabilityDrop: Float64Array;
  readonly lossRise: Float64Array;
  readonly scaledLogitDrop: Float64Array;
  readonly gumbelDrop: Float64Array;
}

/** Differences between the original model and the release on the same samples. */
export function simpleDifferences(original: PlainSignals, release: PlainSignals): SimpleDifferences {
  const drop = (signal: keyof PlainSignals) =>
    original[signal].map((before, sample) => before - release[signal][sample]!);
  return {
    lowProbability: release.probability.map((p) => -p),
    probabilityDrop: drop('probability'),
    lossRise: drop('loss').map((fall) => -fall),
    scaledLogitDrop: drop('scaledLogit'),
    gumbelDrop: drop('gumbel'),
  };
}
