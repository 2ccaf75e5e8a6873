/**
 * Does the original model know the calibration set? A completeness score places a release between what shadow models say of a
 * sample and what the original says of it. On samples that the original never saw both say the same but for noise, and
 * scores and p-values made from them mean little. Pure; proven by separation.spec.ts.
 */
import { clopperPearson, type IamParameters } from '@app/iam';
import { referenceSignals, type ReferenceValues } from '../block.js';

/** How often a sample looks more like a member to the original than to the shadow models on average. */
export interface Separation {
  readonly known: number;
  readonly samples: number;
}

export interface Separations {
  readonly calibration: Separation;
  readonly controls: Separation;
}

/** @param values of both kinds of reference on some samples of one set; null of the original counts nothing */
export function separationOf(values: ReferenceValues, parameters: IamParameters): Separation {
  if (!values.original) return { known: 0, samples: 0 };
  const { out, in_ } = referenceSignals(values, parameters, null);
  const shadows = values.shadows.length;
  const memberLike = parameters.signalKind === 'loss' ? -1 : 1;
  const known = (in_ as Float64Array).filter((signal, i) => {
    const row = out.subarray(i * shadows, (i + 1) * shadows);
    return memberLike * (signal - row.reduce((sum, value) => sum + value, 0) / shadows) > 0;
  }).length;
  return { known, samples: values.original.length };
}

export const addSeparations = (one: Separation, other: Separation): Separation => ({
  known: one.known + other.known,
  samples: one.samples + other.samples,
});

/**
 * True where the share of known calibration samples is not above one half beyond doubt (exact 95 % interval), as if the
 * original had never seen one, or less than half as far above it as the share of controls, which it was trained on.
 */
export function isUnknownToOriginal({ calibration, controls }: Separations): boolean {
  const { rate, low } = clopperPearson(calibration.known, calibration.samples);
  const ofControls = controls.samples === 0 ? 0 : controls.known / controls.samples;
  return low <= 0.5 || rate - 0.5 < (ofControls - 0.5) / 2;
}
