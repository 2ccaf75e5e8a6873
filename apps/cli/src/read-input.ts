/** Files and URLs that a command is pointed at, gzip or not. */
import { createReadStream, existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
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

/** Lines of a file, unpacked when it is gzip; constant memory. @throws CliError `CLI_FILE_UNREADABLE` */
export async function* readLines(path: string): AsyncGenerator<string> {
  try {
    yield* linesOf(await unpacked(path));
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

/**
 * Lines of a stream, which is destroyed when the reader stops early. (readline's interface goes on repeating its input's errors
 * after its reader has gone, to nobody: that ends the process.)
 */
export async function* linesOf(bytes: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of bytes.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}

/** The bytes of a file, unpacked when it is gzip; errors of the file come out of the stream. */
export async function unpacked(path: string): Promise<Readable> {
  const gzip = await beginsAsGzip(path);
  const file = createReadStream(path);
  if (!gzip) return file;
  const gunzip = createGunzip();
  // pipe() does not carry errors: a damaged file must fail here, not hang.
  return file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
}

async function beginsAsGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
    return isGzip(buffer);
  } finally {
    await file.close();
  }
}

/**
 * The key set in a file or behind an http(s) URL.
 * @throws CliError `CLI_FILE_UNREADABLE`, `CLI_KEYS_UNREACHABLE`; AttestationError for a malformed key set
 */
export async function readKeySet(source: string): Promise<KeySet> {
  return parseKeySet(await readSource(source));
}

/** Text of a file or behind an http(s) URL. @throws CliError `CLI_FILE_UNREADABLE`, `CLI_KEYS_UNREACHABLE` */
export async function readSource(source: string): Promise<string> {
  if (!/^https?:\/\//.test(source)) return readText(source);
  try {
    const response = await fetch(source, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await response.text();
  } catch (cause) {
    throw new CliError('CLI_KEYS_UNREACHABLE', `cannot fetch the key set from ${source}`, { cause });
  }
}
