/**
 * Raw signals in, scores in millionths out: the measurement of some samples under one release. A sample's score depends
 * on its own signals and the frozen profile only, so any cut into blocks gives the same numbers.
 * Pure; proven by block.spec.ts.
 */
import { type FrozenScale, type IamParameters, scoreFrozen, toMillionths, transformSignal } from '@app/iam';
import { UNSCORABLE_SCORE } from './plan.js';

/** Raw recorded values of the reference models on `samples`, NaN where there is none. */
export interface ReferenceValues {
  /** Of the original model `[samples]`; null where the profile measures offline. */
  readonly original: Float64Array | null;
  /** Of each shadow model `[samples]`, in the profile's order. */
  readonly shadows: readonly Float64Array[];
}

/** Signals of the reference models, as scoring wants them; NaN where a value is missing or out of range. */
export interface ReferenceSignals {
  /** Row-major `[samples x shadows]`. */
  readonly out: Float64Array;
  /** `[samples]`, or the one IN signal of all samples. */
  readonly in_: Float64Array | number;
}

export function transformAll(values: Float64Array, parameters: IamParameters): Float64Array {
  return values.map((value) => transformSignal(value, parameters));
}

/** @param offlineIn the profile's one IN signal, used where there are no values of the original model */
export function referenceSignals(
  { original, shadows }: ReferenceValues,
  parameters: IamParameters,
  offlineIn: number | null,
): ReferenceSignals {
  const samples = shadows[0]?.length ?? 0;
  const out = new Float64Array(samples * shadows.length);
  shadows.forEach((values, shadow) => {
    for (let i = 0; i < samples; i++) {
      out[i * shadows.length + shadow] = transformSignal(values[i]!, parameters);
    }
  });
  return { out, in_: original ? transformAll(original, parameters) : (offlineIn ?? NaN) };
}

/**
 * Completeness in millionths, `[samples]`: 1,000,000 = as if never trained on, 0 = as a member, -1 = unscorable.
 * @param target raw values of the release `[samples]`, NaN where there is none
 */
export function scoreSamples(
  target: Float64Array,
  references: ReferenceValues,
  { parameters, scale }: { readonly parameters: IamParameters; readonly scale: FrozenScale },
): Int32Array {
  const { out, in_ } = referenceSignals(references, parameters, scale.offlineIn);
  const scores = scoreFrozen({
    target: transformAll(target, parameters),
    out,
    shadows: references.shadows.length,
    in_,
    scale,
    parameters,
  });
  return Int32Array.from(scores, (score) => (Number.isNaN(score) ? UNSCORABLE_SCORE : toMillionths(score)));
}

/** How many values there are: each is one recorded signal that was read. */
export function countSignals(...values: readonly Float64Array[]): number {
  return values.reduce(
    (sum, list) => sum + list.reduce((n, value) => n + (Number.isNaN(value) ? 0 : 1), 0),
    0,
  );
}
