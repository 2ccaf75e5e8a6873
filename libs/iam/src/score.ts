/**
 * IAM scores under a frozen scale: the production measurement. Proven by score.spec.ts (sharding, order, bad samples)
 * and, through the pooled form it shares its formulas with, by the reference's vectors.
 */
import { IamError } from './errors.js';
import { completenessOf } from './interpolation.js';
import { kernelLevels } from './kernel-levels.js';
import { kernelMeans } from './kernel.js';
import { isSignal } from './moments.js';
import { checkParameters, type IamParameters } from './parameters.js';
import type { FrozenScale } from './scale.js';

export interface FrozenScoreInput {
  /** Signals of the release under test `[samples]`, as {@link transformSignal} gives them; NaN where unusable. */
  readonly target: Float64Array;
  /** OUT signals, row-major `[samples x shadows]`. */
  readonly out: Float64Array;
  /** Shadow models, >= 1; their order is part of the profile. */
  readonly shadows: number;
  /** IN signals `[samples]` (online), or the profile's one IN signal (offline). */
  readonly in_: Float64Array | number;
  readonly scale: FrozenScale;
  readonly parameters: IamParameters;
}

/**
 * Returns each sample's completeness in [0, 1], `[samples]`: **1 = behaves as if never trained on, 0 = as a member**.
 *
 * completeness = 1 - sum_{k<K-1} a_{k+1} F_k / sum a_{k+1}, F_k = F(r; m_k, sigma_k), m_k = START + a_k (END - START),
 * with START = mean OUT and END = IN; for losses START = IN, END = mean OUT and completeness is the sum itself
 * (Wang et al. 2025, equations 4 to 8).
 *
 * A sample's score depends on nothing but its own signals, the scale and the parameters, to the last bit. A sample one
 * of whose signals is unusable gets NaN, which means unscorable and touches no other.
 * @throws IAM_LENGTH_MISMATCH for arrays or a scale that do not belong together; IAM_PARAMETER_OUT_OF_RANGE;
 *   IAM_OFFLINE_IN_INVALID where `in_` is not what mode and scale ask for
 */
export function scoreFrozen(input: FrozenScoreInput): Float64Array {
  const { scale, parameters } = input;
  checkParameters(parameters);
  checkShapes(input);
  checkOfflineIn(input);
  const { distances, gaps } = placeSamples(input, parameters.signalKind);
  const scores = kernelMeans(distances, gaps, kernelLevels(scale.sigma, parameters.likelihood));
  for (let i = 0; i < scores.length; i++) scores[i] = completenessOf(scores[i]!, parameters.signalKind);
  return scores;
}

/** Each sample's distance from START and the gap from START to END; NaN for a sample with an unusable signal. */
export function placeSamples(
  input: Pick<FrozenScoreInput, 'target' | 'out' | 'shadows' | 'in_'>,
  signalKind: IamParameters['signalKind'],
): { distances: Float64Array; gaps: Float64Array } {
  const { target, out, shadows, in_ } = input;
  const distances = new Float64Array(target.length);
  const gaps = new Float64Array(target.length);
  const startsAtOut = signalKind === 'probability';
  for (let i = 0; i < target.length; i++) {
    const outMean = shadowMean(out, i * shadows, shadows);
    const inSignal = typeof in_ === 'number' ? in_ : in_[i]!;
    const usable = isSignal(target[i]!) && isSignal(inSignal) && !Number.isNaN(outMean);
    const start = startsAtOut ? outMean : inSignal;
    const end = startsAtOut ? inSignal : outMean;
    distances[i] = usable ? target[i]! - start : NaN;
    gaps[i] = usable ? end - start : NaN;
  }
  return { distances, gaps };
}

/** Mean of `count` signals from `first` on, in the order given; NaN where one is unusable. */
function shadowMean(signals: Float64Array, first: number, count: number): number {
  let sum = 0;
  for (let i = first; i < first + count; i++) {
    if (!isSignal(signals[i]!)) return NaN;
    sum += signals[i]!;
  }
  return sum / count;
}

/** @throws IAM_LENGTH_MISMATCH unless `out` is `[samples x shadows]` and `in_` a number or `[samples]` */
export function checkSignalShapes(input: Pick<FrozenScoreInput, 'target' | 'out' | 'shadows' | 'in_'>): void {
  const { target, out, shadows, in_ } = input;
  const samples = target.length;
  const fits =
    Number.isInteger(shadows) &&
    shadows >= 1 &&
    out.length === samples * shadows &&
    (typeof in_ === 'number' || in_.length === samples);
  if (fits) return;
  throw new IamError('IAM_LENGTH_MISMATCH', 'out must be [samples x shadows] and in a number or [samples]', {
    details: { samples, shadows, out: out.length, in: typeof in_ === 'number' ? 1 : in_.length },
  });
}

function checkShapes(input: FrozenScoreInput): void {
  checkSignalShapes(input);
  const { scale, parameters } = input;
  if (scale.sigma.length === parameters.levels - 1 && scale.signalKind === parameters.signalKind) return;
  throw new IamError('IAM_LENGTH_MISMATCH', 'the scale was frozen for other parameters', {
    details: { sigma: scale.sigma.length, levels: parameters.levels, signalKind: scale.signalKind },
  });
}

function checkOfflineIn({ in_, scale, parameters }: FrozenScoreInput): void {
  const offline = parameters.mode === 'offline';
  const fits = offline ? in_ === scale.offlineIn : typeof in_ !== 'number' && scale.offlineIn === null;
  if (fits) return;
  throw new IamError(
    'IAM_OFFLINE_IN_INVALID',
    offline
      ? "offline: in_ must be the scale's offlineIn"
      : 'online: in_ must hold one signal for each sample',
  );
}
