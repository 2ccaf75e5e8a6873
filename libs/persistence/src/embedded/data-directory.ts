/**
 * Where the data of this installation lie. PostgreSQL refuses to run as root, so root runs it as `nobody`; every
 * directory above the data must then be passable for `nobody`, or the data move to /var/lib/lacuna.
 * Proven by data-directory.spec.ts.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { PersistenceError } from '../errors.js';

/** uid and gid of `nobody`, the same on Debian, Alpine and Red Hat. */
export const UNPRIVILEGED_ID = 65534;

export interface DataDirectory {
  readonly path: string;
  /** Why the data are not where they were expected, or null. */
  readonly movedBecause: string | null;
}

const MAY_PASS = 0o001;

/** The nearest directory at or above `path` that exists. */
function existingAncestor(path: string): string {
  for (let directory = path; ; directory = dirname(directory)) {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return realpathSync(directory);
  }
}

/** The first directory at or above `path` that an unprivileged user may not pass through, or null. */
export function closedAncestor(path: string): string | null {
  for (let directory = existingAncestor(path); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & MAY_PASS) === 0) return directory;
    if (directory === dirname(directory)) return null;
  }
}

/** Written where the data were expected: the directory that holds them instead. */
const MARKER = 'moved-to';

/** The directory that stands in for `wanted`; the same for every start until `wanted` itself is removed. */
function standIn(wanted: string): string {
  const marker = join(wanted, MARKER);
  try {
    writeFileSync(marker, `${join('/var/lib/lacuna', randomBytes(6).toString('hex'))}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(marker, 'utf8').trim();
}

/**
 * The data directory, made if absent: `configured` (relative to `root`), or `.lacuna` in `root`. As root, one that lies
 * behind a closed directory is replaced by one in /var/lib/lacuna, and a note of where it is stays behind.
 * @throws PersistenceError `PERSISTENCE_DIRECTORY_UNUSABLE` when it cannot be made
 */
export function resolveDataDirectory(
  configured: string | undefined,
  root: string,
  asRoot: boolean,
): DataDirectory {
  const wanted = resolve(root, configured ?? '.lacuna');
  try {
    const closed = asRoot ? closedAncestor(dirname(wanted)) : null;
    mkdirSync(wanted, { recursive: true });
    const path = closed ? standIn(wanted) : wanted;
    mkdirSync(path, { recursive: true });
    if (asRoot) chmodSync(path, 0o711);
    const movedBecause = closed
      ? `only its owner may enter ${closed}, and PostgreSQL does not run as root`
      : null;
    return { path, movedBecause };
  } catch (cause) {
    throw new PersistenceError(
      'PERSISTENCE_DIRECTORY_UNUSABLE',
      `cannot make or use the data directory ${wanted}`,
      { cause },
    );
  }
}
