/**
 * UnLeak (Chen et al., CCS 2021, in the form of the IAM reference): a classifier that has seen, on shadow models, how
 * posteriors change when a sample is removed from training, looks at how they changed from the original model to the
 * release. Needs all logits, not only those of the true class, and a pair of shadows per example.
 *
 * Direction: in [0, 1], 1 = unlearned. The reference's classifier starts from an unseeded random state, so there are
 * no values of it to reproduce; ours is seeded. Proven by unleak.spec.ts.
 */
import { BinaryMlp, type BinaryMlpSettings } from './binary-mlp.js';
import { exp } from './elementary.js';
import { IamError } from './errors.js';

/** Logits of the same samples before and after, row-major `[samples x classes]`. */
export interface PosteriorChange {
  readonly before: ArrayLike<number>;
  readonly after: ArrayLike<number>;
  readonly classes: number;
}

export interface UnleakExamples extends PosteriorChange {
  /**
   * `[samples]`: true or 1 where `before` was trained on the sample and `after` was not, false or 0 where both were.
   */
  readonly removed: ArrayLike<number | boolean>;
}

/** Posteriors kept as they are; the others share what is left, as a service that returns only the best few would show. */
const KEPT_POSTERIORS = 3;

/**
 * The attack model, from shadow models' logits on their own training and held-out samples.
 * @throws IamError IAM_LENGTH_MISMATCH, IAM_NOT_FINITE (a logit), IAM_ONE_CLASS_MISSING.
 */
export function trainUnleak(examples: UnleakExamples, settings: BinaryMlpSettings = {}): BinaryMlp {
  const features = leakFeatures(examples);
  if (features.length !== examples.removed.length * examples.classes) {
    throw new IamError('IAM_LENGTH_MISMATCH', 'every example needs one flag `removed`');
  }
  return BinaryMlp.train(features, examples.removed, settings);
}

/**
 * Probability, by the attack model, that each sample was removed.
 * @returns `[samples]`, in [0, 1], 1 = unlearned; NaN where a logit of that sample is not finite.
 * @throws IamError IAM_LENGTH_MISMATCH.
 */
export function unleak(model: BinaryMlp, change: PosteriorChange): Float64Array {
  const features = leakFeatures(change);
  const { classes } = change;
  return Float64Array.from({ length: features.length / classes }, (_, sample) =>
    model.predict(features.subarray(sample * classes, (sample + 1) * classes)),
  );
}

/**
 * Fall of each posterior, in ascending order of the posteriors before: `[samples x classes]`.
 * Ties stand in class order; NaN throughout the row of a sample with an unusable logit.
 */
function leakFeatures({ before, after, classes }: PosteriorChange): Float64Array {
  const samples = before.length / classes;
  if (
    !Number.isInteger(classes) ||
    classes < 2 ||
    !Number.isInteger(samples) ||
    after.length !== before.length
  ) {
    throw new IamError(
      'IAM_LENGTH_MISMATCH',
      'before and after must both be [samples x classes], classes >= 2',
      {
        details: { before: before.length, after: after.length, classes },
      },
    );
  }
  const features = new Float64Array(samples * classes);
  for (let sample = 0; sample < samples; sample += 1) {
    const old = visiblePosteriors(before, sample * classes, classes);
    const recent = visiblePosteriors(after, sample * classes, classes);
    const usable = old.every(Number.isFinite) && recent.every(Number.isFinite);
    const ascending = Array.from(old.keys()).sort((a, b) => old[a]! - old[b]!);
    ascending.forEach((label, place) => {
      features[sample * classes + place] = usable ? old[label]! - recent[label]! : NaN;
    });
  }
  return features;
}

/** Softmax of one row with all but the largest three replaced by their mean. */
function visiblePosteriors(logits: ArrayLike<number>, from: number, classes: number): Float64Array {
  const row = Float64Array.from({ length: classes }, (_, c) => logits[from + c]!);
  const highest = Math.max(...row);
  const exponentials = row.map((logit) => exp(logit - highest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  const posteriors = exponentials.map((value) => value / total);
  if (classes <= KEPT_POSTERIORS) return posteriors;
  const largest = Array.from(posteriors.keys())
    .sort((a, b) => posteriors[b]! - posteriors[a]!)
    .slice(0, KEPT_POSTERIORS);
  const rest = 1 - largest.reduce((sum, label) => sum + posteriors[label]!, 0);
  const visible = new Float64Array(classes).fill(rest / (classes - KEPT_POSTERIORS));
  for (const label of largest) visible[label] = posteriors[label]!;
  return visible;
}
