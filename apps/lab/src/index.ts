export { LabError, type LabErrorCode } from './errors.js';
export { prepareLifecycle, type Lifecycle } from './lifecycle/lifecycle.js';
export { compareRivals, type Recall, type Rival, type RivalRelease, recallOf } from './scoring/rivals.js';
export { FULL, SMALL, type LifecycleSettings } from './lifecycle/settings.js';
