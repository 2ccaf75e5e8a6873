/**
 * Which things a profile compares, single samples or whole clusters, and whether its sets hold enough of them for its
 * levels. Pure; proven by test/medium/verification-profile.spec.ts.
 */
import { ensureCalibrationSize } from '@app/iam';
import type { FrozenGroupTest } from '../decision.js';
import { VerificationError } from '../errors.js';
import type { SampleSetFact } from '../facts.repository.js';
import type { DecisionSettings } from './profile-document.js';

/**
 * The test that is asked for, or the one that fits the calibration set: where it has clusters, samples stick together.
 * @throws VERIFICATION_CLUSTERS_MISSING when clusters are to be compared and a set has none
 */
export function groupTestOf(
  wanted: FrozenGroupTest | undefined,
  calibration: SampleSetFact,
  controls: SampleSetFact,
): FrozenGroupTest {
  const test = wanted ?? (calibration.clusterCount === null ? 'single-samples' : 'whole-clusters');
  if (test === 'single-samples') return test;
  for (const { role, clusterCount } of [calibration, controls]) {
    if (clusterCount !== null) continue;
    throw new VerificationError(
      'VERIFICATION_CLUSTERS_MISSING',
      `to compare whole clusters, the sample set for ${role} needs clusters too: register one with them, ` +
        'or freeze a profile that compares single samples',
      { details: { role } },
    );
  }
  return test;
}

/**
 * Refuses sets with which nothing could ever be found: no residue at alpha, and no request that is clear of the controls
 * at q. Of single controls any number is taken, because groups of them are drawn in many more ways than there are.
 * @throws IAM_CALIBRATION_TOO_SMALL with details {have, need}
 */
export function ensureNullSizes(
  { alpha, q, groupTest }: DecisionSettings,
  calibration: SampleSetFact,
  controls: SampleSetFact,
): void {
  if (groupTest === 'single-samples') {
    ensureCalibrationSize(calibration.size, alpha);
    return;
  }
  ensureCalibrationSize(calibration.clusterCount ?? 0, alpha, 'clusters of calibration samples');
  ensureCalibrationSize(controls.clusterCount ?? 0, q, 'clusters of controls');
}
