/** The file of an import as bytes: unpacked, counted, from any of its lines on; and its key. Constant memory. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { CliError } from '../errors.js';
import { unpacked } from '../read-input.js';

const LINE_FEED = 0x0a;

/** Lines of the unpacked file. @throws CliError `CLI_FILE_UNREADABLE` */
export async function countLines(path: string): Promise<number> {
  let lines = 0;
  let last = LINE_FEED;
  for await (const chunk of bytesFrom(path)) {
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
    last = chunk.at(-1) ?? last;
  }
  return last === LINE_FEED ? lines : lines + 1;
}

/**
 * The key that stands for this file: random, and kept beside it so that the next run goes on. Never made from the content:
 * a key outlives an erasure, and a digest of what was erased could be guessed from.
 * @throws CliError `CLI_FILE_UNREADABLE`
 */
export async function keyOf(path: string): Promise<string> {
  const keyFile = `${path}.import-key`;
  try {
    await writeFile(keyFile, `${randomUUID()}\n`, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new CliError('CLI_FILE_UNREADABLE', `cannot keep the key in ${keyFile}; choose one with --key`, {
        cause,
      });
    }
  }
  return (await readFile(keyFile, 'utf8')).trim();
}

/**
 * The unpacked bytes of the file from line `firstLine` on.
 * @throws CliError `CLI_FILE_UNREADABLE`
 */
export async function* bytesFrom(path: string, firstLine = 1): AsyncGenerator<Uint8Array> {
  let toSkip = firstLine - 1;
  const bytes = await readable(() => unpacked(path), path);
  const chunks = bytes[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      // Only what reading throws is the file's fault: whoever takes the bytes throws into the yield when a connection breaks.
      const next = await readable(() => chunks.next(), path);
      if (next.done) return;
      let start = 0;
      while (toSkip > 0 && start < next.value.length) {
        const end = next.value.indexOf(LINE_FEED, start);
        start = end === -1 ? next.value.length : end + 1;
        if (end !== -1) toSkip -= 1;
      }
      if (start < next.value.length) yield next.value.subarray(start);
    }
  } finally {
    bytes.destroy();
  }
}

async function readable<Value>(read: () => Promise<Value>, path: string): Promise<Value> {
  try {
    return await read();
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', `cannot read ${path}`, { cause });
  }
}
