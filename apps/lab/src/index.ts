export { LabError, type LabErrorCode } from './errors.js';
export { type Lifecycle, prepareLifecycle, type TrainedModel } from './lifecycle/lifecycle.js';
export type { ReleaseRecipe } from './lifecycle/recipes.js';
export { FULL, type LifecycleSettings, SMALL } from './lifecycle/settings.js';
export type { TrainingProgress } from './lifecycle/train-models.js';
export {
  compareRivals,
  labelsOf,
  type Recall,
  recallOf,
  type Rival,
  type RivalRelease,
} from './scoring/rivals.js';
export { type Bag, denseRows } from './wordnet/bags.js';
