/**
 * What a profile compares, single samples or whole clusters, and whether its sets hold enough of them for its levels.
 * Pure; proven by test/medium/verification-profile.spec.ts.
 */
import { ensureCalibrationSize } from '@app/iam';
import type { GroupTest } from '../decision.js';
import { VerificationError } from '../errors.js';
import type { SampleSetFact } from '../facts.repository.js';
import { rankLevel } from '../group-test.js';
import type { DecisionSettings } from './profile-document.js';

/**
 * The test that is asked for, or the one that fits the calibration set: where it has clusters, samples stick together.
 * For any dependence clusters are taken account of where both sets have them.
 * @throws VERIFICATION_CLUSTERS_MISSING when clusters are to be compared and a set has none
 */
export function groupTestOf(
  wanted: GroupTest | undefined,
  calibration: SampleSetFact,
  controls: SampleSetFact,
): GroupTest {
  const test = wanted ?? (calibration.clusterCount === null ? 'single-samples' : 'whole-clusters');
  if (test === 'single-samples') return test;
  const without = [calibration, controls].filter(({ clusterCount }) => clusterCount === null);
  const [missing] = without;
  if (!missing || (test === 'any-dependence' && without.length === 2)) return test;
  throw new VerificationError(
    'VERIFICATION_CLUSTERS_MISSING',
    `the sample set for ${missing.role} has no clusters to compare: register one with them, ` +
      'or freeze a profile that compares single samples',
    { details: { role: missing.role } },
  );
}

/**
 * Refuses sets with which nothing could ever be found: no residue at alpha, and no request that is clear of the controls
 * at q. Where single samples are compared any number of controls is taken, because groups of them are drawn in many more
 * ways than there are; the test for any dependence doubles p-values and needs twice as much.
 * @throws IAM_CALIBRATION_TOO_SMALL with details {have, need}
 */
export function ensureNullSizes(
  { alpha, q, groupTest = 'single-samples' }: DecisionSettings,
  calibration: SampleSetFact,
  controls: SampleSetFact,
): void {
  if (groupTest === 'single-samples') {
    ensureCalibrationSize(calibration.size, alpha);
    return;
  }
  const clustered = calibration.clusterCount !== null;
  const ensure = ({ size, clusterCount }: SampleSetFact, level: number, what: string): void => {
    ensureCalibrationSize(
      clusterCount ?? size,
      rankLevel(groupTest, level),
      clustered ? `clusters of ${what}` : what,
    );
  };
  ensure(calibration, alpha, 'calibration samples');
  ensure(controls, q, 'controls');
}
