/** Files and URLs that a command is pointed at, gzip or not. */
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip, gunzipSync } from 'node:zlib';
import { type KeySet, parseKeySet } from '@app/attestation';
import { CliError } from './errors.js';

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
/** A key set is a few kilobytes; a server that is slower than this is down. */
const FETCH_TIMEOUT_MS = 15_000;

const isGzip = (bytes: Buffer): boolean => bytes.subarray(0, 2).equals(GZIP_MAGIC);

/** Text of a file, unpacked when it is gzip. @throws CliError `CLI_FILE_UNREADABLE` */
export async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    return (isGzip(bytes) ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

/** Text of a file that may be absent. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  return existsSync(path) ? readText(path) : undefined;
}

/** Lines of a file, unpacked when its name ends in .gz; constant memory. @throws CliError `CLI_FILE_UNREADABLE` */
export async function* readLines(path: string): AsyncGenerator<string> {
  try {
    const file = createReadStream(path);
    const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
    file.on('error', (error) => input.destroy(error));
    yield* createInterface({ input, crlfDelay: Infinity });
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

/**
 * The key set in a file or behind an http(s) URL.
 * @throws CliError `CLI_FILE_UNREADABLE`, `CLI_KEYS_UNREACHABLE`; AttestationError for a malformed key set
 */
export async function readKeySet(source: string): Promise<KeySet> {
  if (!/^https?:\/\//.test(source)) return parseKeySet(await readText(source));
  try {
    const response = await fetch(source, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return parseKeySet(await response.text());
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && String(cause.code).startsWith('ATTESTATION'))
      throw cause;
    throw new CliError('CLI_KEYS_UNREACHABLE', `cannot fetch the key set from ${source}`, { cause });
  }
}
