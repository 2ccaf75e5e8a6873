/** Sizes of the lifecycle experiment. All of them are part of a trained model's name in the cache. */
export interface LifecycleSettings {
  /** Of the splits, the initial weights and the order of training. */
  readonly seed: string;
  /** Words a classifier knows. */
  readonly vocabulary: number;
  /** Units of the one hidden layer. */
  readonly hidden: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Passes over the data when training from scratch. */
  readonly epochs: number;
  /** Samples that stay in the training data; the first `controls` of them are the test's controls. */
  readonly retained: number;
  readonly controls: number;
  readonly requests: number;
  readonly samplesPerRequest: number;
  readonly calibration: number;
  /** New samples of the later fine-tune. */
  readonly fresh: number;
  readonly shadows: number;
  readonly ascent: { readonly epochs: number; readonly learningRate: number };
  readonly fineTuneEpochs: number;
  readonly laterEpochs: number;
}

/**
 * Small data and a net that can learn them by heart: members are then clearly told from strangers, and a model takes
 * seconds. See the README of apps/lab for how they were chosen.
 */
export const FULL: LifecycleSettings = {
  seed: 'wordnet-1',
  vocabulary: 1000,
  hidden: 128,
  batch: 250,
  learningRate: 5e-3,
  epochs: 12,
  retained: 2500,
  controls: 1000,
  requests: 50,
  samplesPerRequest: 10,
  calibration: 1000,
  fresh: 1000,
  shadows: 3,
  ascent: { epochs: 5, learningRate: 1e-3 },
  fineTuneEpochs: 3,
  laterEpochs: 8,
};

/** The same in seconds, with too few samples to conclude much: for tests and for trying the machinery. */
export const SMALL: LifecycleSettings = {
  ...FULL,
  vocabulary: 300,
  hidden: 64,
  batch: 100,
  epochs: 15,
  retained: 400,
  controls: 200,
  requests: 10,
  calibration: 200,
  fresh: 100,
  shadows: 1,
};
