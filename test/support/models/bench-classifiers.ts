/** The two models that throughput is measured on: seeded weights, so that every run and machine has the same file. */
import { type Classifier, convolutionalClassifier, denseClassifier } from './classifier.js';

/** MLP 600-512-256-128-100: 473,088 weights, bags of 600 words in 100 classes. */
export function benchMlp(): Classifier {
  return denseClassifier(600, [600, 512, 256, 128, 100]);
}

/** Four convolutions and two dense layers on 32 x 32 x 3 images in 10 classes: about 25 million multiplications each. */
export function benchCnn(): Classifier {
  return convolutionalClassifier(32, {
    height: 32,
    width: 32,
    channels: 3,
    convolutions: [
      { outputs: 32, pool: false },
      { outputs: 32, pool: true },
      { outputs: 64, pool: false },
      { outputs: 64, pool: true },
    ],
    dense: [256, 10],
  });
}
