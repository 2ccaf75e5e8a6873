/**
 * The frozen measurement profile: everything that turns signals into verdicts, as canonical JSON (RFC 8785) under one
 * SHA-256. Proven by freeze.spec.ts.
 */
import { createHash } from 'node:crypto';
import {
  formatScale,
  type FrozenScale,
  type FrozenScaleJson,
  type IamParameters,
  parseScale,
} from '@app/iam';
import { canonicalJson } from '@app/tlog';
import type { GroupTest } from '../decision.js';
import { VerificationError } from '../errors.js';
import { isUnknownToOriginal, type Separations } from './separation.js';

export interface ProfileReference {
  readonly referenceId: string;
  readonly name: string;
  /** SHA-256, hexadecimal. */
  readonly artifactDigest: string;
  /** Whether it was asked through an endpoint; absent for files and recorded signals, and in old profiles. */
  readonly behindEndpoint?: true;
}

export interface DecisionSettings {
  /** Operating false-positive rate at which power is measured. */
  readonly alpha: number;
  /** Benjamini-Hochberg level over requests. */
  readonly q: number;
  /** Least measured per-request power of a release that passes. */
  readonly powerFloor: number;
  /** Draws of the permutation test. */
  readonly resamples: number;
  /** What the p-values of requests take to be exchangeable; profiles without it compare single samples. */
  readonly groupTest?: GroupTest;
}

/** Never-trained samples: scored once under a release that is trusted, or anew under each release. */
export type Calibration =
  | {
      readonly mode: 'frozen';
      readonly sampleSetId: string;
      readonly digest: string;
      readonly size: number;
      readonly trustedUnder: string;
      /** SHA-256 of the recording of their signals, hexadecimal. */
      readonly recordingDigest: string;
      /** Completeness in millionths, ascending. */
      readonly scores: readonly number[];
      /** The cluster of each score; absent where there are none or single samples are compared. */
      readonly clusters?: readonly number[];
    }
  | {
      readonly mode: 'same-release';
      readonly sampleSetId: string;
      readonly digest: string;
      readonly size: number;
    };

export interface ProfileDocument {
  readonly version: 1;
  readonly modelId: string;
  readonly measurement: IamParameters;
  readonly decision: DecisionSettings;
  readonly references: {
    readonly original: ProfileReference | null;
    /** At least one; their order is the order of addition in every mean. */
    readonly shadows: readonly ProfileReference[];
  };
  readonly calibration: Calibration;
  readonly controls: { readonly sampleSetId: string; readonly digest: string; readonly size: number };
  /** Absent where the original is not measured on the samples, and in old profiles. */
  readonly separation?: Separations;
  readonly scale: FrozenScaleJson;
}

/** A profile ready to measure with. */
export interface MeasurementProfile {
  readonly profileId: string;
  readonly modelId: string;
  readonly ordinal: number;
  /** SHA-256 of {@link text}, hexadecimal. */
  readonly digest: string;
  /** Canonical JSON of {@link document}. */
  readonly text: string;
  readonly document: ProfileDocument;
  readonly scale: FrozenScale;
  readonly frozenAt: Date;
}

/** What has to be said of a profile before anything is measured with it. */
export type ProfileWarning =
  /** The original model does not know the calibration samples as it knows the controls: scores are not what they seem. */
  | 'CALIBRATION_UNKNOWN_TO_ORIGINAL'
  /** What answered for a reference may change without notice, and is not asked again: its signals are of when they were taken. */
  | 'REFERENCE_BEHIND_ENDPOINT';

/** What the warnings of a profile stand on. */
export interface ProfileFindings {
  readonly separation?: Separations;
  /** How many references were asked through an endpoint; absent where none was. */
  readonly endpointReferences?: number;
}

export function profileFindings({
  separation,
  references: { original, shadows },
}: Pick<ProfileDocument, 'separation' | 'references'>): ProfileFindings {
  const asked = [...(original ? [original] : []), ...shadows].filter(({ behindEndpoint }) => behindEndpoint);
  return {
    ...(separation ? { separation } : {}),
    ...(asked.length > 0 ? { endpointReferences: asked.length } : {}),
  };
}

export function warningsOf({ separation, endpointReferences }: ProfileFindings): ProfileWarning[] {
  return [
    ...(separation && isUnknownToOriginal(separation) ? (['CALIBRATION_UNKNOWN_TO_ORIGINAL'] as const) : []),
    ...(endpointReferences ? (['REFERENCE_BEHIND_ENDPOINT'] as const) : []),
  ];
}

export const profileWarnings = (document: ProfileDocument): ProfileWarning[] =>
  warningsOf(profileFindings(document));

/** The document's one spelling and its digest; the scale goes in as numbers that read back to the same bits. */
export function formatProfile(document: Omit<ProfileDocument, 'scale'>, scale: FrozenScale) {
  const text = canonicalJson({ ...document, scale: formatScale(scale) });
  return { text, digest: profileDigest(text) };
}

/** @throws VERIFICATION_PROFILE_CORRUPT unless `digest` is that of `text` */
export function parseProfile(
  text: string,
  digest: string,
): { document: ProfileDocument; scale: FrozenScale } {
  if (profileDigest(text) !== digest) {
    throw new VerificationError('VERIFICATION_PROFILE_CORRUPT', 'a stored profile does not have its digest');
  }
  const document = JSON.parse(text) as ProfileDocument;
  return { document, scale: parseScale(document.scale) };
}

function profileDigest(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
