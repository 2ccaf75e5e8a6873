/**
 * The figures of a profile from the reference signals of its calibration and control samples: one pass over batches,
 * whatever their size. Pure; proven by freeze.spec.ts.
 */
import { type FrozenScale, freezeScale, type IamParameters, SignalMoments } from '@app/iam';
import { referenceSignals, type ReferenceValues } from '../block.js';
import { VerificationError } from '../errors.js';

/** Gathers the spread of the reference signals and counts the samples that lack one. */
export class ScaleBuilder {
  private readonly moments = new SignalMoments();
  private samples = 0;

  /** @param offlineIn the one IN signal of an offline profile, otherwise null */
  constructor(
    private readonly parameters: IamParameters,
    private readonly offlineIn: number | null,
  ) {}

  add(values: ReferenceValues): void {
    const { out, in_ } = referenceSignals(values, this.parameters, this.offlineIn);
    const shadows = values.shadows.length;
    const samples = out.length / shadows;
    this.samples += samples;
    for (let i = 0; i < samples; i++) {
      this.moments.add(out.subarray(i * shadows, (i + 1) * shadows), typeof in_ === 'number' ? in_ : in_[i]!);
    }
  }

  /**
   * @throws VERIFICATION_SIGNALS_MISSING when a sample lacked a reference signal; IAM_SCALE_DEGENERATE when the
   *   signals have no spread
   */
  freeze(): FrozenScale {
    requireSignals('reference', this.moments.skipped, this.samples);
    return freezeScale(this.moments, this.parameters);
  }
}

/** @throws VERIFICATION_SIGNALS_MISSING unless `missing` is 0 */
export function requireSignals(what: 'reference' | 'calibration', missing: number, of: number): void {
  if (missing === 0) return;
  throw new VerificationError(
    'VERIFICATION_SIGNALS_MISSING',
    `${String(missing)} of ${String(of)} samples of calibration set and controls lack a ${what} signal; record them first`,
    { details: { missing, of, what } },
  );
}
