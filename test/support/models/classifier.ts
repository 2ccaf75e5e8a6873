/**
 * A small classifier as plain weights, from which every model file of the tests is written, and its outputs by the plainest
 * loops in float64: what each runtime is compared with.
 */
import { SeededRandom } from '../../../libs/iam/src/random.js';

export interface Dense {
  readonly kind: 'dense';
  readonly inputs: number;
  readonly outputs: number;
  /** Row-major `[inputs x outputs]`. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly relu: boolean;
}

/** 3x3, stride 1, same padding, then ReLU, then, where `pool`, the largest of each 2x2. */
export interface Convolution {
  readonly kind: 'convolution';
  readonly inputs: number;
  readonly outputs: number;
  /** Row-major `[3 x 3 x inputs x outputs]`. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly pool: boolean;
}

export type Layer = Dense | Convolution;

export interface Classifier {
  /** Of one sample: `[features]`, or `[height, width, channels]` before convolutions. */
  readonly inputShape: readonly number[];
  readonly layers: readonly Layer[];
  readonly classes: number;
  /** Ends in a softmax: the output is probabilities, not logits. */
  readonly softmax: boolean;
}

/** An MLP with ReLU between its layers; weights scaled so that logits stay within a few units. */
export function denseClassifier(seed: number, sizes: readonly number[], softmax = false): Classifier {
  const random = new SeededRandom(seed);
  const layers = sizes
    .slice(1)
    .map((outputs, place) => dense(random, sizes[place]!, outputs, place < sizes.length - 2));
  return { inputShape: [sizes[0]!], layers, classes: sizes.at(-1)!, softmax };
}

export interface Convolutions {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly convolutions: readonly { readonly outputs: number; readonly pool: boolean }[];
  readonly dense: readonly number[];
}

export function convolutionalClassifier(seed: number, plan: Convolutions): Classifier {
  const random = new SeededRandom(seed);
  const layers: Layer[] = [];
  let { height, width, channels } = plan;
  for (const { outputs, pool } of plan.convolutions) {
    const scale = Math.sqrt(2 / (9 * channels));
    layers.push({
      kind: 'convolution',
      inputs: channels,
      outputs,
      weights: normals(random, 9 * channels * outputs, scale),
      bias: normals(random, outputs, 0.1),
      pool,
    });
    channels = outputs;
    if (pool) [height, width] = [height / 2, width / 2];
  }
  let inputs = height * width * channels;
  plan.dense.forEach((outputs, place) => {
    layers.push(dense(random, inputs, outputs, place < plan.dense.length - 1));
    inputs = outputs;
  });
  return {
    inputShape: [plan.height, plan.width, plan.channels],
    layers,
    classes: plan.dense.at(-1)!,
    softmax: false,
  };
}

/** `count` normal numbers of the given standard deviation (Box and Muller). */
function normals(random: SeededRandom, count: number, deviation: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.nextUnit()));
    return deviation * radius * Math.cos(2 * Math.PI * random.nextUnit());
  });
}

function dense(random: SeededRandom, inputs: number, outputs: number, relu: boolean): Dense {
  return {
    kind: 'dense',
    inputs,
    outputs,
    weights: normals(random, inputs * outputs, Math.sqrt(2 / inputs)),
    bias: normals(random, outputs, 0.1),
    relu,
  };
}

/** Outputs of one sample, `[classes]`, in float64: logits, or probabilities where the classifier ends in a softmax. */
export function classify(classifier: Classifier, sample: ArrayLike<number>): Float64Array {
  let values = Float64Array.from(sample);
  let [height = 1, width = 1] = classifier.inputShape.length === 3 ? classifier.inputShape : [];
  for (const layer of classifier.layers) {
    if (layer.kind === 'dense') values = afterDense(layer, values);
    else {
      values = afterConvolution(layer, values, height, width);
      if (layer.pool) {
        values = afterPool(values, height, width, layer.outputs);
        [height, width] = [height / 2, width / 2];
      }
    }
  }
  if (!classifier.softmax) return values;
  const highest = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - highest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

function afterDense(layer: Dense, values: Float64Array): Float64Array<ArrayBuffer> {
  const next = Float64Array.from(layer.bias);
  for (let i = 0; i < layer.inputs; i++) {
    for (let o = 0; o < layer.outputs; o++) next[o]! += values[i]! * layer.weights[i * layer.outputs + o]!;
  }
  return layer.relu ? next.map((value) => Math.max(value, 0)) : next;
}

function afterConvolution(
  layer: Convolution,
  values: Float64Array,
  height: number,
  width: number,
): Float64Array<ArrayBuffer> {
  const { inputs, outputs } = layer;
  const next = new Float64Array(height * width * outputs);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let o = 0; o < outputs; o++) {
        let sum = layer.bias[o]!;
        for (let dy = -1; dy <= 1; dy++) {
          for (let dx = -1; dx <= 1; dx++) {
            if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue;
            const from = ((y + dy) * width + x + dx) * inputs;
            const at = ((dy + 1) * 3 + dx + 1) * inputs;
            for (let i = 0; i < inputs; i++)
              sum += values[from + i]! * layer.weights[(at + i) * outputs + o]!;
          }
        }
        next[(y * width + x) * outputs + o] = Math.max(sum, 0);
      }
    }
  }
  return next;
}

function afterPool(
  values: Float64Array,
  height: number,
  width: number,
  channels: number,
): Float64Array<ArrayBuffer> {
  const next = new Float64Array((height / 2) * (width / 2) * channels);
  for (let y = 0; y < height / 2; y++) {
    for (let x = 0; x < width / 2; x++) {
      for (let c = 0; c < channels; c++) {
        const at = (dy: number, dx: number): number =>
          values[((2 * y + dy) * width + 2 * x + dx) * channels + c]!;
        next[(y * (width / 2) + x) * channels + c] = Math.max(at(0, 0), at(0, 1), at(1, 0), at(1, 1));
      }
    }
  }
  return next;
}
