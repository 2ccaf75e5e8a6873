import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from '@app/errors';

/**
 * The directory of the checkout or installation: the nearest one above this file that holds both package.json
 * and migrations/. Works from sources and from dist/ alike.
 */
export function projectRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!(existsSync(join(directory, 'package.json')) && existsSync(join(directory, 'migrations')))) {
    const parent = dirname(directory);
    invariant(parent !== directory, 'package.json and migrations/ lie above every file of the project');
    directory = parent;
  }
  return directory;
}
