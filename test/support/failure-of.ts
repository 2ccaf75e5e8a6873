import { InferenceError } from '@app/inference';

/** The coded error that `action` throws. */
export function failureOf(action: () => unknown): InferenceError {
  try {
    action();
  } catch (error) {
    if (error instanceof InferenceError) return error;
    throw error;
  }
  throw new Error('nothing failed');
}
