import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { InferenceError } from '../errors.js';

/**
 * Returns the path of an artifact's entry.
 * @throws InferenceError RUNTIME_MODEL_BROKEN where it lies outside the artifact or is not there
 */
export function modelFile(directory: string, entry: string): string {
  const root = resolve(directory);
  const path = resolve(root, entry);
  if (path !== root && !path.startsWith(root + sep)) {
    throw new InferenceError('RUNTIME_MODEL_BROKEN', `the entry ${entry} lies outside the artifact`);
  }
  if (existsSync(path)) return path;
  throw new InferenceError(
    'RUNTIME_MODEL_BROKEN',
    `the artifact has no file ${entry}; declare the model's file as entry`,
  );
}
