export { IamError, type IamErrorCode } from './errors.js';
export { auc, balancedAccuracy, rocCurve, tnrAtFnr, tprAtFpr, type Labels, type RocCurve } from './roc.js';
export { clopperPearson, type RateInterval } from './clopper-pearson.js';
export { ConformalNull, ensureCalibrationSize, requiredCalibrationSize } from './conformal.js';
export { DEFAULT_RESAMPLES, groupPValues, type GroupEvidence } from './group-evidence.js';
export { benjaminiHochberg } from './multiplicity.js';
export { measurePower, type MeasuredPower } from './power.js';
export {
  DEFAULT_PARAMETERS,
  checkParameters,
  type IamParameters,
  type Likelihood,
  type SignalKind,
} from './parameters.js';
export {
  boundedGumbel,
  crossEntropy,
  forgettingProbability,
  normalizedGumbel,
  scaledLogit,
  scaledLogitOfProbability,
  taylorSoftMargin,
  transformSignal,
  trueClassProbability,
  type TaylorSoftMargin,
} from './signals.js';
export { SignalMoments, type SignalMomentsJson } from './moments.js';
export { formatScale, freezeScale, parseScale, type FrozenScale, type FrozenScaleJson } from './scale.js';
export { scoreFrozen, type FrozenScoreInput } from './score.js';
export { scorePooled, type PooledScoreInput } from './pooled.js';
export { toMillionths } from './millionths.js';
