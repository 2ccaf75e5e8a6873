import type { ReferenceIds } from '../signals.service.js';
import type { ProfileDocument } from './profile-document.js';

/** Whose signals each sample needs: offline, the original model's are not read for the samples. */
export function referenceIds({ references, measurement }: ProfileDocument): ReferenceIds {
  return {
    original: measurement.mode === 'online' ? (references.original?.referenceId ?? null) : null,
    shadows: references.shadows.map(({ referenceId }) => referenceId),
  };
}
