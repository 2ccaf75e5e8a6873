/**
 * From the bytes of an upload to the bytes of its text: gzip is recognised by its magic number, whatever the file
 * is called, and the limit counts what comes out, so that a small file cannot fill the disk. Proven by
 * recorded/parse-recording.spec.ts.
 */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { TextFaults } from './text-faults.js';
import { beginsWith, withHead } from './with-head.js';

/** RFC 1952, section 2.3.1: ID1, ID2. */
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

type Bytes = AsyncIterable<Uint8Array>;
type StreamFaults = Pick<TextFaults, 'tooLarge' | 'compressionBroken'>;

/**
 * Yields the decompressed bytes of `source`.
 * @param maxBytes most bytes that may come out
 * @throws what `faults` makes of a text that is too large and of a broken gzip stream
 */
export async function* decompress(
  source: Bytes,
  { maxBytes, faults }: { readonly maxBytes: number; readonly faults: StreamFaults },
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of await inflated(source, faults)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw faults.tooLarge(maxBytes);
    yield chunk;
  }
}

async function inflated(source: Bytes, faults: StreamFaults): Promise<Bytes> {
  const { head, whole } = await withHead(source, GZIP_MAGIC.length);
  return beginsWith(head, GZIP_MAGIC) ? gunzip(whole, faults) : whole;
}

async function* gunzip(source: Bytes, faults: StreamFaults): AsyncGenerator<Uint8Array> {
  const input = Readable.from(source);
  const output = createGunzip();
  // pipe() does not carry errors: an upload that breaks off must fail here, not wait for ever.
  input.once('error', (error) => output.destroy(error));
  try {
    yield* input.pipe(output) as Bytes;
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw faults.compressionBroken(cause);
  } finally {
    input.destroy();
    output.destroy();
  }
}

export function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
