/**
 * Files that hold private keys: readable by their owner only, and never half-written, so that a kill -9 during the
 * first start leaves either no key or a whole one. Proven by secret-file.spec.ts.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AccessError } from './errors.js';

const OWNER_ONLY = 0o600;

/**
 * The text of the secret file at `path`; where there is none, `make` gives it and it is written with mode 0600. Of two
 * processes that make it in the same moment one wins, and both return the winner's.
 * @throws AccessError `SECRET_FILE_UNUSABLE` when it can be neither read nor made.
 */
export function readOrCreateSecret(path: string, make: () => string): { text: string; created: boolean } {
  try {
    const found = read(path);
    if (found !== undefined) return { text: found, created: false };
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const created = createWhole(path, make());
    return { text: readFileSync(path, 'utf8'), created };
  } catch (cause) {
    throw new AccessError('SECRET_FILE_UNUSABLE', `cannot read or make the key file ${path}`, { cause });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** True when this call made the file: link() refuses an existing name, rename() would replace a key in use. */
function createWhole(path: string, text: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  const file = openSync(draft, 'wx', OWNER_ONLY);
  try {
    writeSync(file, text);
    fsyncSync(file);
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    closeSync(file);
    rmSync(draft, { force: true });
  }
}
