/**
 * Names of files inside an artifact: relative, with slashes, and the same on every file system. What an archive calls its
 * members is checked before anything is written; nothing is repaired. Proven by unpack.spec.ts.
 */
const MAX_PATH_LENGTH = 512;
const MAX_DEPTH = 16;
const MAX_PART_BYTES = 200;
/** Backslashes and colons are separators elsewhere; control characters and lone surrogates are names nobody can read. */
const FORBIDDEN = /[\\:\p{Cc}\p{Surrogate}]/u;

/** Returns whether `path` can name a file of an artifact. */
export function isArtifactPath(path: string): boolean {
  if (path.length < 1 || path.length > MAX_PATH_LENGTH || FORBIDDEN.test(path)) return false;
  const parts = path.split('/');
  return (
    parts.length <= MAX_DEPTH &&
    parts.every(
      (part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= MAX_PART_BYTES,
    )
  );
}

/** Two paths that are one file on some file systems have one key. */
export const pathKey = (path: string): string => path.normalize('NFC').toLowerCase();
