export { IamError, type IamErrorCode } from './errors.js';
export { auc, balancedAccuracy, rocCurve, tnrAtFnr, tprAtFpr, type Labels, type RocCurve } from './roc.js';
