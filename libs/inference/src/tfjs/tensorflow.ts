/** The core of TensorFlow.js, loaded with the first model that needs it. */
export type Tensorflow = typeof import('@tensorflow/tfjs-core');

export function loadTensorflow(): Promise<Tensorflow> {
  return import('@tensorflow/tfjs-core');
}
