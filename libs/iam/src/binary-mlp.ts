/**
 * A small neural classifier, one hidden layer of rectified units and one logistic output, trained by Adam (Kingma and Ba
 * 2015) on cross entropy with early stopping. Seeded; only + - * /, the square root and our own exp: the same weights
 * on every platform. Proven by binary-mlp.spec.ts.
 */
import { exp } from './elementary.js';
import { IamError } from './errors.js';
import { SeededRandom } from './random.js';

export interface BinaryMlpSettings {
  readonly hidden?: number;
  readonly learningRate?: number;
  /** Passes over the training examples at most. */
  readonly maxEpochs?: number;
  readonly seed?: string | number;
}

/** Settings of the reference's attack model (scikit-learn's MLPClassifier with its defaults otherwise). */
const DEFAULTS = { hidden: 100, learningRate: 0.01, maxEpochs: 1000, seed: 1 } as const;
const BATCH = 200;
const L2 = 1e-4;
const VALIDATION_SHARE = 0.1;
/** Training ends after so many epochs without a validation accuracy better by the tolerance. */
const PATIENCE = 10;
const TOLERANCE = 1e-4;
const BETA_1 = 0.9;
const BETA_2 = 0.999;
const ADAM_EPSILON = 1e-8;

/** Weights in one array: hidden weights `[hidden x inputs]`, hidden biases, output weights, output bias. */
export class BinaryMlp {
  private constructor(
    private readonly inputs: number,
    private readonly hidden: number,
    private readonly weights: Float64Array,
  ) {}

  /**
   * A classifier of label 1 against label 0.
   * @param features row-major `[examples x inputs]`, finite.
   * @param labels `[examples]`, true or 1 for the positive class; both classes must occur.
   * @throws IamError IAM_LENGTH_MISMATCH, IAM_NOT_FINITE, IAM_ONE_CLASS_MISSING.
   */
  static train(
    features: Float64Array,
    labels: ArrayLike<number | boolean>,
    settings: BinaryMlpSettings = {},
  ): BinaryMlp {
    const { hidden, learningRate, maxEpochs, seed } = { ...DEFAULTS, ...settings };
    const inputs = checkExamples(features, labels);
    const random = new SeededRandom(seed);
    const order = Int32Array.from({ length: labels.length }, (_, i) => i);
    random.shuffle(order);
    const held = Math.max(1, Math.floor(labels.length * VALIDATION_SHARE));
    const [validation, training] = [order.subarray(0, held), order.slice(held)];
    const model = new BinaryMlp(inputs, hidden, initialWeights(inputs, hidden, random));
    const adam = new Adam(model.weights, learningRate);
    let best = { accuracy: -1, weights: model.weights.slice() };
    for (let epoch = 0, idle = 0; epoch < maxEpochs && idle < PATIENCE; epoch += 1) {
      random.shuffle(training);
      for (let from = 0; from < training.length; from += BATCH) {
        adam.step(model.gradient(features, labels, training.subarray(from, from + BATCH)));
      }
      const accuracy = model.accuracy(features, labels, validation);
      idle = accuracy > best.accuracy + TOLERANCE ? 0 : idle + 1;
      if (accuracy > best.accuracy) best = { accuracy, weights: model.weights.slice() };
    }
    return new BinaryMlp(inputs, hidden, best.weights);
  }

  /** Probability of label 1 for one row of features `[inputs]`, in [0, 1]; NaN where a feature is not finite. */
  predict(row: Float64Array): number {
    return this.forward(row, new Float64Array(this.hidden));
  }

  /** Fills `activations` `[hidden]` and returns the output. */
  private forward(row: Float64Array, activations: Float64Array): number {
    const { inputs, hidden, weights } = this;
    const biases = hidden * inputs;
    let sum = weights[biases + 2 * hidden]!;
    for (let h = 0; h < hidden; h += 1) {
      let value = weights[biases + h]!;
      for (let i = 0; i < inputs; i += 1) value += weights[h * inputs + i]! * row[i]!;
      activations[h] = value > 0 || Number.isNaN(value) ? value : 0;
      sum += weights[biases + hidden + h]! * activations[h]!;
    }
    return 1 / (1 + exp(-sum));
  }

  /** Mean gradient of cross entropy plus L2 / 2 |weights|^2 over the examples named. */
  private gradient(
    features: Float64Array,
    labels: ArrayLike<number | boolean>,
    examples: Int32Array,
  ): Float64Array {
    const { inputs, hidden, weights } = this;
    const biases = hidden * inputs;
    const gradient = new Float64Array(weights.length);
    const activations = new Float64Array(hidden);
    for (const example of examples) {
      const row = features.subarray(example * inputs, (example + 1) * inputs);
      const error = (this.forward(row, activations) - Number(labels[example])) / examples.length;
      gradient[biases + 2 * hidden]! += error;
      for (let h = 0; h < hidden; h += 1) {
        if (activations[h] === 0) continue;
        gradient[biases + hidden + h]! += error * activations[h]!;
        const back = error * weights[biases + hidden + h]!;
        gradient[biases + h]! += back;
        for (let i = 0; i < inputs; i += 1) gradient[h * inputs + i]! += back * row[i]!;
      }
    }
    const decay = L2 / examples.length;
    for (let i = 0; i < biases; i += 1) gradient[i]! += decay * weights[i]!;
    for (let i = biases + hidden; i < biases + 2 * hidden; i += 1) gradient[i]! += decay * weights[i]!;
    return gradient;
  }

  private accuracy(
    features: Float64Array,
    labels: ArrayLike<number | boolean>,
    examples: Int32Array,
  ): number {
    const right = examples.filter((example) => {
      const row = features.subarray(example * this.inputs, (example + 1) * this.inputs);
      return this.predict(row) > 0.5 === Boolean(labels[example]);
    });
    return right.length / examples.length;
  }
}

/** Adam with bias correction; changes the weights it was given. */
class Adam {
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private decay1 = 1;
  private decay2 = 1;

  constructor(
    private readonly weights: Float64Array,
    private readonly learningRate: number,
  ) {
    this.first = new Float64Array(weights.length);
    this.second = new Float64Array(weights.length);
  }

  step(gradient: Float64Array): void {
    this.decay1 *= BETA_1;
    this.decay2 *= BETA_2;
    const rate = (this.learningRate * Math.sqrt(1 - this.decay2)) / (1 - this.decay1);
    for (let i = 0; i < gradient.length; i += 1) {
      this.first[i] = BETA_1 * this.first[i]! + (1 - BETA_1) * gradient[i]!;
      this.second[i] = BETA_2 * this.second[i]! + (1 - BETA_2) * gradient[i]! * gradient[i]!;
      this.weights[i]! -= (rate * this.first[i]!) / (Math.sqrt(this.second[i]!) + ADAM_EPSILON);
    }
  }
}

/** Uniform within +-sqrt(6 / (in + out)) of each layer (Glorot and Bengio 2010). */
function initialWeights(inputs: number, hidden: number, random: SeededRandom): Float64Array {
  const bounds = [Math.sqrt(6 / (inputs + hidden)), Math.sqrt(2 / (hidden + 1))] as const;
  return Float64Array.from({ length: hidden * inputs + 2 * hidden + 1 }, (_, i) => {
    const bound = i < hidden * (inputs + 1) ? bounds[0] : bounds[1];
    return bound * (2 * random.nextUnit() - 1);
  });
}

function checkExamples(features: Float64Array, labels: ArrayLike<number | boolean>): number {
  const positives = Array.from(labels, Number).filter((label) => label === 1).length;
  if (positives === 0 || positives === labels.length) {
    throw new IamError('IAM_ONE_CLASS_MISSING', 'training needs examples of both classes', {
      details: { examples: labels.length, positives },
    });
  }
  const inputs = features.length / labels.length;
  if (!Number.isInteger(inputs) || inputs < 1) {
    throw new IamError('IAM_LENGTH_MISMATCH', 'features must be [examples x inputs]', {
      details: { features: features.length, examples: labels.length },
    });
  }
  if (!features.every(Number.isFinite)) {
    throw new IamError('IAM_NOT_FINITE', 'a feature is not finite; leave that example out');
  }
  return inputs;
}
