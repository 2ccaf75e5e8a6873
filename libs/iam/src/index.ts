export { IamError, type IamErrorCode } from './errors.js';
export { auc, balancedAccuracy, rocCurve, tnrAtFnr, tprAtFpr, type Labels, type RocCurve } from './roc.js';
export { clopperPearson, type RateInterval } from './clopper-pearson.js';
export { ConformalNull, ensureCalibrationSize, requiredCalibrationSize } from './conformal.js';
export { DEFAULT_RESAMPLES, groupPValues, type GroupEvidence } from './group-evidence.js';
export { benjaminiHochberg } from './multiplicity.js';
export { measurePower, type MeasuredPower } from './power.js';
