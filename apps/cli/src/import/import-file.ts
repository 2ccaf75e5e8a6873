/** The file of an import as bytes: unpacked, counted, and from any of its lines on. Constant memory. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { CliError } from '../errors.js';

const LINE_FEED = 0x0a;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

export interface FileFacts {
  readonly lines: number;
  /** SHA-256 of the unpacked content, hexadecimal. */
  readonly digest: string;
}

/** @throws CliError `CLI_FILE_UNREADABLE` */
export async function factsOf(path: string): Promise<FileFacts> {
  const hash = createHash('sha256');
  let lines = 0;
  let last = LINE_FEED;
  for await (const chunk of bytesFrom(path)) {
    hash.update(chunk);
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
    last = chunk.at(-1) ?? last;
  }
  return { lines: last === LINE_FEED ? lines : lines + 1, digest: hash.digest('hex') };
}

/**
 * The unpacked bytes of the file from line `firstLine` on.
 * @throws CliError `CLI_FILE_UNREADABLE`
 */
export async function* bytesFrom(path: string, firstLine = 1): AsyncGenerator<Uint8Array> {
  let toSkip = firstLine - 1;
  try {
    const gunzip = (await beginsAsGzip(path)) ? createGunzip() : null;
    const file = createReadStream(path);
    // pipe() does not carry errors: a damaged file must fail here, not hang.
    const bytes = gunzip ? file.on('error', (error) => gunzip.destroy(error)).pipe(gunzip) : file;
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      let start = 0;
      while (toSkip > 0 && start < chunk.length) {
        const end = chunk.indexOf(LINE_FEED, start);
        start = end === -1 ? chunk.length : end + 1;
        if (end !== -1) toSkip -= 1;
      }
      if (start < chunk.length) yield chunk.subarray(start);
    }
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
}

async function beginsAsGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
    return buffer.equals(GZIP_MAGIC);
  } finally {
    await file.close();
  }
}
