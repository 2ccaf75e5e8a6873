/**
 * From the bytes of an upload to the bytes of its text: gzip is recognised by its magic number, whatever the file
 * is called, and the limit counts what comes out, so that a small file cannot fill the disk. Proven by
 * parse-recording.spec.ts.
 */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InferenceError } from '../errors.js';

/** RFC 1952, section 2.3.1: ID1, ID2. */
const GZIP_MAGIC = [0x1f, 0x8b] as const;

type Bytes = AsyncIterable<Uint8Array>;

/**
 * Yields the decompressed bytes of `source`.
 * @param maxBytes most bytes that may come out
 * @throws InferenceError RECORDING_TOO_LARGE, RECORDING_COMPRESSION_BROKEN
 */
export async function* decompress(source: Bytes, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of await inflated(source)) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new InferenceError(
        'RECORDING_TOO_LARGE',
        `the recording has more than ${maxBytes} bytes after decompression; split it or raise the limit`,
        { details: { maxBytes } },
      );
    }
    yield chunk;
  }
}

async function inflated(source: Bytes): Promise<Bytes> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < GZIP_MAGIC.length) {
    const next = await iterator.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = prepend(head, iterator);
  return GZIP_MAGIC.every((byte, index) => head[index] === byte) ? gunzip(whole) : whole;
}

async function* prepend(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* gunzip(source: Bytes): AsyncGenerator<Uint8Array> {
  const input = Readable.from(source);
  const output = createGunzip();
  // pipe() does not carry errors: an upload that breaks off must fail here, not wait for ever.
  input.once('error', (error) => output.destroy(error));
  try {
    yield* input.pipe(output) as Bytes;
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw new InferenceError('RECORDING_COMPRESSION_BROKEN', 'the gzip stream is damaged or cut off', {
      cause,
    });
  } finally {
    input.destroy();
    output.destroy();
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
