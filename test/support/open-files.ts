/** Files that this process has open, named or not; only where the system tells (Linux). */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const DESCRIPTORS = '/proc/self/fd';

export const tellsOpenFiles = existsSync(DESCRIPTORS);

/** Contents of the open files that are, or were, in `directory`. */
export const openFilesOf = (directory: string): Buffer[] =>
  readdirSync(DESCRIPTORS).flatMap((descriptor) => {
    const path = join(DESCRIPTORS, descriptor);
    return existsSync(path) && readlinkSync(path).startsWith(directory) ? [readFileSync(path)] : [];
  });
