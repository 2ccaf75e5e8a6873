/** What is scored in one verification: the commitments, the controls and, without a frozen null, the calibration set. */
import type { ProfileDocument } from './profile/profile-document.js';

/** Subject of the commitments' scores; every other subject is the id of a sample set. */
export const COMMITMENTS = 'commitments';

export interface Subject {
  /** {@link COMMITMENTS} or a sample set's id. */
  readonly name: string;
  readonly size: number;
}

export function subjectsOf(
  { controls, calibration }: Pick<ProfileDocument, 'controls' | 'calibration'>,
  treeSize: bigint,
): Subject[] {
  const scoredAnew = calibration.mode === 'same-release' ? [controls, calibration] : [controls];
  return [
    { name: COMMITMENTS, size: Number(treeSize) },
    ...scoredAnew.map(({ sampleSetId, size }) => ({ name: sampleSetId, size })),
  ];
}

/** Under which id the signals of a subject are cached. */
export function subjectIdOf(subject: string, modelId: string): string {
  return subject === COMMITMENTS ? modelId : subject;
}
