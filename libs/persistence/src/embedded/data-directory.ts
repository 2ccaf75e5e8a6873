/**
 * Where the data of this installation lie. PostgreSQL refuses to run as root, so root runs it as `nobody`; every
 * directory above the data must then be passable for `nobody`, or the data move to /var/lib/lacuna.
 * Proven by data-directory.spec.ts.
 */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, realpathSync, statSync } from 'node:fs';
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

/**
 * The data directory, made if absent: `configured`, or `.lacuna` in `root`. As root, a default that lies behind a
 * closed directory moves to /var/lib/lacuna/<hash of root>, the same for every start from the same clone.
 * @throws PersistenceError `PERSISTENCE_DIRECTORY_UNUSABLE` when a configured one is closed or cannot be made.
 */
export function resolveDataDirectory(
  configured: string | undefined,
  root: string,
  asRoot: boolean,
): DataDirectory {
  const wanted = resolve(root, configured ?? '.lacuna');
  const closed = asRoot ? closedAncestor(dirname(wanted)) : null;
  if (closed && configured) {
    throw new PersistenceError(
      'PERSISTENCE_DIRECTORY_UNUSABLE',
      `LACUNA_DATA_DIR lies under ${closed}, which only its owner may enter, and PostgreSQL does not run as root. ` +
        'Choose a directory that others may pass through, or set LACUNA_DATABASE_URL.',
    );
  }
  const clone = createHash('sha256').update(root).digest('hex').slice(0, 12);
  const path = closed ? join('/var/lib/lacuna', clone) : wanted;
  try {
    mkdirSync(path, { recursive: true });
    if (asRoot) chmodSync(path, 0o711);
  } catch (cause) {
    throw new PersistenceError('PERSISTENCE_DIRECTORY_UNUSABLE', `cannot make the data directory ${path}`, {
      cause,
    });
  }
  return { path, movedBecause: closed ? `${closed} may be entered by its owner only` : null };
}
