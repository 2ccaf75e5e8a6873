import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { InferenceError } from '../errors.js';

/**
 * Returns the path of an artifact's entry, which was among its files when they were stored.
 * @throws InferenceError RUNTIME_MODEL_BROKEN where it lies outside the artifact; RUNTIME_UNAVAILABLE (retryable) where somebody
 *   removed it from this machine: the next loading fetches it again
 */
export function entryFile(directory: string, entry: string): string {
  const path = insideArtifact(directory, entry);
  if (existsSync(path)) return path;
  throw noLongerHere(entry);
}

/**
 * Returns the path of a file that another file of the artifact names.
 * @throws InferenceError as {@link entryFile}; RUNTIME_MODEL_BROKEN where the artifact is here without it
 */
export function namedFile(directory: string, name: string): string {
  const path = insideArtifact(directory, name);
  if (existsSync(path)) return path;
  if (!existsSync(directory)) throw noLongerHere(name);
  throw new InferenceError('RUNTIME_MODEL_BROKEN', `the artifact has no file ${name}, which its model names`);
}

function insideArtifact(directory: string, entry: string): string {
  const root = resolve(directory);
  const path = resolve(root, entry);
  if (path === root || path.startsWith(root + sep)) return path;
  throw new InferenceError('RUNTIME_MODEL_BROKEN', `the entry ${entry} lies outside the artifact`);
}

function noLongerHere(entry: string): InferenceError {
  return new InferenceError(
    'RUNTIME_UNAVAILABLE',
    `the artifact's file ${entry} is no longer on this machine; it is fetched again when the model is opened again`,
    { retryable: true },
  );
}
