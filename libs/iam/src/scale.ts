/**
 * The frozen scale: the spread at each level, taken once from reference samples and hashed into the measurement profile,
 * so that a sample's score never depends on which other samples are scored with it. Proven by scale.spec.ts.
 */
import { IamError } from './errors.js';
import type { SignalMoments } from './moments.js';
import { checkParameters, type IamParameters, type SignalKind } from './parameters.js';

export interface FrozenScale {
  readonly signalKind: SignalKind;
  /** sigma_k, k = 0..K-2 `[levels - 1]`: population standard deviation over shadows and samples, each >= 1e-9. */
  readonly sigma: Float64Array;
  /** Offline: the IN signal of every sample. Online: null. */
  readonly offlineIn: number | null;
  /** Reference samples behind sigma. */
  readonly samples: number;
}

/** {@link FrozenScale} as JSON; doubles in the shortest form that reads back to the same bits. */
export interface FrozenScaleJson {
  readonly signalKind: SignalKind;
  readonly sigma: readonly number[];
  readonly offlineIn: number | null;
  readonly samples: number;
}

/** Signals are of order 1 with 16 digits; a smaller spread would let their rounding into the millionths of a score. */
const MIN_SIGMA = 1e-9;

/**
 * Returns the scale to freeze from the moments of the reference samples' signals.
 * @throws IAM_PARAMETER_OUT_OF_RANGE for unusable parameters; IAM_SCALE_DEGENERATE where a level has no spread (fewer
 *   than two samples, or all alike); IAM_OFFLINE_IN_INVALID where offline samples do not share one IN signal
 */
export function freezeScale(moments: SignalMoments, parameters: IamParameters): FrozenScale {
  checkParameters(parameters);
  const { levels, signalKind, mode } = parameters;
  const sigma = moments.sigmaPerLevel(levels, signalKind);
  if (mode === 'offline' && moments.pairs > 0 && !moments.inIsConstant()) {
    throw new IamError('IAM_OFFLINE_IN_INVALID', 'offline measurement takes one IN signal for all samples');
  }
  const firstFlat = sigma.findIndex((value) => !(value >= MIN_SIGMA));
  if (firstFlat >= 0) {
    throw new IamError(
      'IAM_SCALE_DEGENERATE',
      'the reference signals have no spread at a level; give more samples',
      {
        details: { level: firstFlat, samples: moments.samples },
      },
    );
  }
  const offlineIn = mode === 'offline' ? moments.meanIn() : null;
  return { signalKind, sigma, offlineIn, samples: moments.samples };
}

/** Returns the JSON form of a scale, for hashing and storing. */
export function formatScale(scale: FrozenScale): FrozenScaleJson {
  return { ...scale, sigma: [...scale.sigma] };
}

/** @throws IAM_FORMAT_INVALID for anything {@link formatScale} cannot have returned */
export function parseScale(json: FrozenScaleJson): FrozenScale {
  const { signalKind, sigma, offlineIn, samples } = json;
  const usable =
    ['probability', 'loss'].includes(signalKind) &&
    Array.isArray(sigma) &&
    sigma.length >= 1 &&
    sigma.every((value) => Number.isFinite(value) && value >= MIN_SIGMA) &&
    (offlineIn === null || Number.isFinite(offlineIn)) &&
    Number.isSafeInteger(samples);
  if (!usable) throw new IamError('IAM_FORMAT_INVALID', 'not a frozen scale');
  return { signalKind, sigma: Float64Array.from(sigma), offlineIn, samples };
}
