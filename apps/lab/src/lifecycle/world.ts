/** Who is who among the samples of one experiment: drawn once by seed, disjoint, then fixed. Pure; world.spec.ts. */
import { SeededRandom } from '@app/iam';
import { LabError } from '../errors.js';
import { type Bag, distinctBags, vocabularyOf } from '../wordnet/bags.js';
import type { Gloss } from '../wordnet/gloss.js';
import type { LifecycleSettings } from './settings.js';

export interface World {
  readonly vocabulary: readonly string[];
  /** In training data before and after unlearning; the first {@link LifecycleSettings.controls} are controls. */
  readonly retained: readonly Bag[];
  /** By deletion request. */
  readonly requests: readonly (readonly Bag[])[];
  /** Numbers of the requests whose samples the later fine-tune brings back, ascending: half of them. */
  readonly returning: readonly number[];
  /** In the original model as the forgotten are, in no release. */
  readonly calibration: readonly Bag[];
  /** New data of the later fine-tune. */
  readonly fresh: readonly Bag[];
  /** Training data of each shadow model, in no other model. */
  readonly shadows: readonly (readonly Bag[])[];
}

/** @throws LabError `LAB_DATA_TOO_SMALL` */
export function drawWorld(glosses: readonly Gloss[], settings: LifecycleSettings): World {
  const vocabulary = vocabularyOf(glosses, settings.vocabulary);
  const bags = distinctBags(glosses, vocabulary);
  const random = new SeededRandom(settings.seed);
  const order = Int32Array.from(bags.keys());
  random.shuffle(order);
  let next = 0;
  const take = (count: number): Bag[] => {
    if (next + count > order.length) throw tooSmall(order.length);
    next += count;
    return Array.from(order.subarray(next - count, next), (index) => bags[index]!);
  };
  const retained = take(settings.retained);
  const requests = Array.from({ length: settings.requests }, () => take(settings.samplesPerRequest));
  const calibration = take(settings.calibration);
  const fresh = take(settings.fresh);
  const trained = settings.retained + settings.requests * settings.samplesPerRequest;
  const shadows = Array.from({ length: settings.shadows }, () => take(trained));
  return {
    vocabulary,
    retained,
    requests,
    returning: half(settings.requests, random),
    calibration,
    fresh,
    shadows,
  };
}

function half(count: number, random: SeededRandom): number[] {
  const numbers = Int32Array.from({ length: count }, (_none, number) => number);
  random.shuffle(numbers);
  return Array.from(numbers.subarray(0, Math.floor(count / 2)).sort());
}

function tooSmall(available: number): LabError {
  return new LabError(
    'LAB_DATA_TOO_SMALL',
    'the settings ask for more samples than there are different glosses',
    {
      details: { available },
    },
  );
}
