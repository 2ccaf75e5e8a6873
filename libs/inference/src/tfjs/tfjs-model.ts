import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import type { ModelDescription } from '../runtime.js';

/** One loaded model, whichever of the three forms it has. */
export interface TfjsModel {
  readonly description: ModelDescription;
  /** Returns the named output; its inputs belong to the caller, its result too. */
  predict(inputs: NamedTensorMap, output: string): Promise<Tensor>;
  dispose(): void;
}
