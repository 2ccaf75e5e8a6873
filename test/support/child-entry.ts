import { inject } from 'vitest';

/** In place of libs/inference/src/isolated/child-entry.ts wherever vitest runs. */
export function childEntry(): string {
  return inject('inferenceChild');
}
