import { InferenceError } from '../../errors.js';

/** @param array its name; null where that cannot be said */
export function refusedArray(array: string | null, why: string): InferenceError {
  const what = array === null ? 'an array of the .npz file' : `the array ${array}`;
  return new InferenceError('SAMPLE_ARRAY_REFUSED', `${what} ${why}`, {
    details: array === null ? {} : { array },
  });
}
