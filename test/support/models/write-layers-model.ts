/** A classifier as a tfjs LayersModel: `model.json` in Keras form and one shard of weights. */
import type { Classifier, Layer } from './classifier.js';
import type { ModelFiles } from './model-files.js';

interface WeightGroup {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export function layersModelFiles(classifier: Classifier): ModelFiles {
  const layers = [
    {
      class_name: 'InputLayer',
      config: { batch_input_shape: [null, ...classifier.inputShape], dtype: 'float32', name: 'input' },
    },
    ...classifier.layers.flatMap((layer, place) => kerasLayers(classifier, layer, place)),
  ];
  const weights = classifier.layers.flatMap(weightsOf);
  const json = {
    format: 'layers-model',
    generatedBy: 'test',
    convertedBy: null,
    modelTopology: {
      class_name: 'Sequential',
      config: { name: 'classifier', layers },
      keras_version: '2.9.0',
      backend: 'tensorflow',
    },
    weightsManifest: [
      {
        paths: ['weights.bin'],
        weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
  };
  return {
    'model.json': Buffer.from(JSON.stringify(json)),
    'weights.bin': Buffer.concat(
      weights.map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
    ),
  };
}

function kerasLayers(classifier: Classifier, layer: Layer, place: number): object[] {
  const last = place === classifier.layers.length - 1;
  if (layer.kind === 'dense') {
    const activation = layer.relu ? 'relu' : last && classifier.softmax ? 'softmax' : 'linear';
    const config = { name: `layer${place}`, units: layer.outputs, activation, use_bias: true };
    const flatten = { class_name: 'Flatten', config: { name: `flat${place}` } };
    const dense = { class_name: 'Dense', config };
    return classifier.layers[place - 1]?.kind === 'convolution' ? [flatten, dense] : [dense];
  }
  const config = {
    name: `layer${place}`,
    filters: layer.outputs,
    kernel_size: [3, 3],
    strides: [1, 1],
    padding: 'same',
    data_format: 'channels_last',
    activation: 'relu',
    use_bias: true,
  };
  const pool = {
    class_name: 'MaxPooling2D',
    config: { name: `pool${place}`, pool_size: [2, 2], strides: [2, 2], padding: 'valid' },
  };
  const convolution = { class_name: 'Conv2D', config };
  return layer.pool ? [convolution, pool] : [convolution];
}

function weightsOf(layer: Layer, place: number): WeightGroup[] {
  const shape = layer.kind === 'dense' ? [layer.inputs, layer.outputs] : [3, 3, layer.inputs, layer.outputs];
  return [
    { name: `layer${place}/kernel`, shape, values: layer.weights },
    { name: `layer${place}/bias`, shape: [layer.outputs], values: layer.bias },
  ];
}
