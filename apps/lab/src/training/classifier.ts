/** The lab's classifier: one hidden layer over a bag of words, logits out. Proven by classifier.spec.ts. */
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { SeededRandom } from '@app/iam';
import { type Bag, denseRows } from '../wordnet/bags.js';
import { LEXICOGRAPHER_CLASSES } from '../wordnet/gloss.js';

export interface Shape {
  readonly vocabulary: number;
  readonly hidden: number;
}

export interface Training {
  readonly data: readonly Bag[];
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** `ascent` makes the data unlikely instead of likely: gradient ascent, the plainest approximate unlearning. */
  readonly direction: 'descent' | 'ascent';
  /** Of the order in which samples are taken. */
  readonly seed: string;
}

/** Returns an untrained classifier whose weights depend on `seed` alone. Name of its input: `words`. */
export function newClassifier({ vocabulary, hidden }: Shape, seed: string): layers.LayersModel {
  const random = new SeededRandom(seed);
  const nextSeed = () => random.nextBelow(2 ** 31);
  const words = layers.input({ shape: [vocabulary], name: 'words' });
  const learnt = layers.layers
    .dense({
      units: hidden,
      activation: 'relu',
      name: 'hidden',
      kernelInitializer: layers.initializers.heNormal({ seed: nextSeed() }),
    })
    .apply(words) as layers.SymbolicTensor;
  const logits = layers.layers
    .dense({
      units: LEXICOGRAPHER_CLASSES,
      name: 'logits',
      kernelInitializer: layers.initializers.glorotUniform({ seed: nextSeed() }),
    })
    .apply(learnt) as layers.SymbolicTensor;
  return layers.model({ inputs: words, outputs: logits, name: 'glosses' });
}

/** Changes the model's weights by Adam on the mean cross entropy. @param onEpoch called with 1, 2, … after each pass */
export function train(
  model: layers.LayersModel,
  vocabulary: number,
  training: Training,
  onEpoch: (epoch: number) => void,
): void {
  const { data, epochs, batch, learningRate, direction, seed } = training;
  const optimizer = tf.train.adam(learningRate);
  const random = new SeededRandom(seed);
  const order = Int32Array.from(data.keys());
  for (let epoch = 1; epoch <= epochs; epoch++) {
    random.shuffle(order);
    for (let at = 0; at < order.length; at += batch) {
      const bags = Array.from(order.subarray(at, at + batch), (index) => data[index]!);
      tf.tidy(() => void optimizer.minimize(() => lossOf(model, bags, vocabulary, direction)));
    }
    onEpoch(epoch);
  }
  optimizer.dispose();
}

function lossOf(
  model: layers.LayersModel,
  bags: readonly Bag[],
  vocabulary: number,
  direction: Training['direction'],
): tf.Scalar {
  const logits = model.apply(inputOf(bags, vocabulary)) as tf.Tensor2D;
  const labels = tf.tensor1d(
    bags.map(({ label }) => label),
    'int32',
  );
  const truth = tf.cast(tf.oneHot(labels, LEXICOGRAPHER_CLASSES), 'float32');
  const likelihood: tf.Scalar = tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), truth), -1));
  return tf.mul<tf.Scalar>(likelihood, direction === 'descent' ? -1 : 1);
}

const inputOf = (bags: readonly Bag[], vocabulary: number): tf.Tensor2D =>
  tf.tensor2d(denseRows(bags, vocabulary), [bags.length, vocabulary]);

/** Samples of one forward pass; a thousand words times this many is two megabytes. */
const PREDICTION_BATCH = 500;

/** Returns the probability of each bag's own class, `[bags]`, in [0, 1]; larger = more like a member. */
export function trueClassProbabilities(
  model: layers.LayersModel,
  bags: readonly Bag[],
  vocabulary: number,
): Float64Array {
  const result = new Float64Array(bags.length);
  for (let at = 0; at < bags.length; at += PREDICTION_BATCH) {
    const part = bags.slice(at, at + PREDICTION_BATCH);
    const flat = tf.tidy(() =>
      tf.softmax(model.predict(inputOf(part, vocabulary)) as tf.Tensor2D).dataSync(),
    );
    part.forEach(({ label }, row) => {
      result[at + row] = flat[row * LEXICOGRAPHER_CLASSES + label]!;
    });
  }
  return result;
}
