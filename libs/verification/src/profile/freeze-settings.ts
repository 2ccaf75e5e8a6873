/** What a profile measures and decides with: what was asked for, and the defaults of the rest. Pure; proven by test/medium/verification-profile.spec.ts. */
import { DEFAULT_PARAMETERS, type IamParameters, type Likelihood } from '@app/iam';
import { DEFAULT_POLICY, type GroupTest } from '../decision.js';
import { VerificationError } from '../errors.js';
import type { ModelFact } from '../facts.repository.js';
import type { DecisionSettings } from './profile-document.js';

export interface FreezeProfile {
  readonly modelId: string;
  readonly calibrationSetId: string;
  readonly controlsSetId: string;
  /** All of the model's shadow references unless given. */
  readonly shadowReferenceIds?: readonly string[] | undefined;
  /** Default `online`. */
  readonly mode?: 'online' | 'offline' | undefined;
  /**
   * Offline: the mean signal (not loss or probability) of the shadow models on their own training data. Default: the
   * original model's mean signal on the controls, which it was trained on.
   */
  readonly offlineInSignal?: number | undefined;
  /** Default 0.01. */
  readonly alpha?: number | undefined;
  /** Default 0.05. */
  readonly q?: number | undefined;
  /** Default 0.8. */
  readonly powerFloor?: number | undefined;
  readonly resamples?: number | undefined;
  /** Default `whole-clusters` where the calibration set has clusters, else `single-samples`. */
  readonly groupTest?: GroupTest | undefined;
  readonly levels?: number | undefined;
  readonly epsilon1?: number | undefined;
  readonly epsilon2?: number | undefined;
  readonly likelihood?: Likelihood | undefined;
  readonly idempotencyKey: string;
}

/** More draws only cost time: p-values at the floor are resolved further anyway. */
const MAX_RESAMPLES = 1_000_000;

/** @throws VERIFICATION_POLICY_OUT_OF_RANGE for offline measurement of losses */
export function measurementOf({ signalKind }: ModelFact, input: FreezeProfile): IamParameters {
  const defaults = DEFAULT_PARAMETERS[signalKind];
  const mode = input.mode ?? defaults.mode;
  if (mode === 'offline' && signalKind === 'loss') {
    throw new VerificationError(
      'VERIFICATION_POLICY_OUT_OF_RANGE',
      'losses are measured online only: their first level is IN, which has no spread offline',
      { details: { setting: 'mode' } },
    );
  }
  return {
    signalKind,
    mode,
    likelihood: input.likelihood ?? defaults.likelihood,
    levels: input.levels ?? defaults.levels,
    epsilon1: input.epsilon1 ?? defaults.epsilon1,
    epsilon2: input.epsilon2 ?? defaults.epsilon2,
  };
}

/** @throws VERIFICATION_POLICY_OUT_OF_RANGE */
export function policyOf(input: FreezeProfile): Omit<DecisionSettings, 'groupTest'> {
  const { alpha, q, powerFloor, resamples } = DEFAULT_POLICY;
  const decision = {
    alpha: input.alpha ?? alpha,
    q: input.q ?? q,
    powerFloor: input.powerFloor ?? powerFloor,
    resamples: input.resamples ?? resamples,
  };
  const inside: Record<keyof typeof decision, boolean> = {
    alpha: decision.alpha > 0 && decision.alpha < 1,
    q: decision.q > 0 && decision.q < 1,
    powerFloor: decision.powerFloor >= 0 && decision.powerFloor <= 1,
    resamples:
      Number.isInteger(decision.resamples) && decision.resamples >= 1 && decision.resamples <= MAX_RESAMPLES,
  };
  for (const [setting, fits] of Object.entries(inside)) {
    if (fits) continue;
    throw new VerificationError(
      'VERIFICATION_POLICY_OUT_OF_RANGE',
      `${setting} is out of range: alpha and q lie between 0 and 1, powerFloor in [0, 1], resamples in 1..1,000,000`,
      { details: { setting } },
    );
  }
  return decision;
}
