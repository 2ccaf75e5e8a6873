import { fileURLToPath } from 'node:url';

/** Path of the compiled main file of a model's process. Tests, which run from sources, have one of their own in its place. */
export function childEntry(): string {
  return fileURLToPath(new URL('./child.js', import.meta.url));
}
