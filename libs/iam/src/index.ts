export { IamError, type IamErrorCode } from './errors.js';
export { auc, balancedAccuracy, rocCurve, tnrAtFnr, tprAtFpr, type Labels, type RocCurve } from './roc.js';
export { clopperPearson, type RateInterval } from './clopper-pearson.js';
export { ConformalNull, ensureCalibrationSize, requiredCalibrationSize } from './conformal.js';
export { DEFAULT_RESAMPLES, groupPValues, type GroupEvidence } from './group-evidence.js';
export { clusterPValues, oneOfEachCluster } from './cluster-evidence.js';
export { mergedPValues } from './merged-evidence.js';
export { checkDrift, type DriftCheck, type DriftInput } from './drift.js';
export {
  nextLevel,
  openErrorBudget,
  spendErrorBudget,
  type BudgetDecision,
  type ErrorBudget,
} from './error-budget.js';
export { benjaminiHochberg, simesPValue } from './multiplicity.js';
export { checkWithinRequestCorrelation } from './within-request-correlation.js';
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
export { offlineInSignal } from './offline-in.js';
export { formatScale, freezeScale, parseScale, type FrozenScale, type FrozenScaleJson } from './scale.js';
export { scoreFrozen, type FrozenScoreInput } from './score.js';
export { scorePooled, type PooledScoreInput } from './pooled.js';
export { SeededRandom } from './random.js';
export { toMillionths } from './millionths.js';
export { tnrAtFnrAsPublished } from './tnr-as-published.js';
export {
  gaussiansAsPublished,
  gaussiansOf,
  liraOffline,
  liraOneSided,
  liraOnline,
  pooledDeviation,
  updateLira,
  type Gaussians,
} from './lira.js';
export { emiaPopulation, emiaReference } from './emia.js';
export {
  rmiaOffline,
  rmiaOnline,
  type RmiaOfflineSettings,
  type RmiaOnlineSignals,
  type RmiaSettings,
  type RmiaSignals,
} from './rmia.js';
export { simpleDifferences, type PlainSignals, type SimpleDifferences } from './simple-differences.js';
export {
  scoreByLikelihood,
  type LevelFit,
  type LevelLikelihood,
  type LikelihoodScoreInput,
} from './level-likelihood.js';
export { empiricalLikelihood } from './ecdf.js';
export { betaLikelihood } from './beta.js';
export { kernelLikelihood } from './kde.js';
export { mixedNormalizedGumbelAsPublished } from './mixed-normalisation.js';
export { logitOfLoss } from './logit-of-loss.js';
export { secondOpinions, type RawSignals } from './second-opinions.js';
export { scoreBoard, type ScoreBoard, type ScoreBoardInput, type ScoreBoardRow } from './score-board.js';
export { bootstrapRoc, type BootstrapSettings, type Interval, type RocIntervals } from './roc-bootstrap.js';
export { BinaryMlp, type BinaryMlpSettings } from './binary-mlp.js';
export { trainUnleak, unleak, type PosteriorChange, type UnleakExamples } from './unleak.js';
