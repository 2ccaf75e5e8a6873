/**
 * A file of samples as a stream of payloads: NDJSON, or an .npz file of numpy; gzip or not. Which it is, its first bytes tell,
 * whatever the file is called. Proven by parse-sample.spec.ts and npz/parse-npz.spec.ts.
 */
import { InferenceError } from '../errors.js';
import { decompress } from '../text/decompress.js';
import type { TextFaults } from '../text/text-faults.js';
import { beginsWith, withHead } from '../text/with-head.js';
import { NPY_MAGIC } from './npy.js';
import { parseNpz } from './npz/parse-npz.js';
import { parseSampleLines } from './parse-sample-lines.js';
import type { PlacedPayload } from './placed-payload.js';

/** APPNOTE 4.3.7 and 4.3.16: the first member of an archive, or the end of an empty one. */
const ZIP_MAGICS = ['PK\x03\x04', 'PK\x05\x06'].map((text) => Buffer.from(text, 'latin1'));

/**
 * Yields the samples of a file in its order.
 * @param maxBytes most bytes after decompression, of the file and of what is packed in it
 * @throws InferenceError SAMPLE_MALFORMED (details: line or index, field), SAMPLE_UPLOAD_TOO_LARGE, SAMPLE_COMPRESSION_BROKEN,
 *   SAMPLE_ARCHIVE_BROKEN, SAMPLE_ARRAY_REFUSED (details: array)
 */
export async function* readSamples(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<PlacedPayload> {
  const text = decompress(bytes, { maxBytes, faults });
  const { head, whole, close } = await withHead(text, NPY_MAGIC.length);
  if (beginsWith(head, NPY_MAGIC)) {
    await close();
    throw new InferenceError(
      'SAMPLE_ARRAY_REFUSED',
      'a .npy file has no sample ids and labels; send them together with it, as an .npz file (numpy.savez)',
    );
  }
  const isZip = ZIP_MAGICS.some((magic) => beginsWith(head, magic));
  yield* isZip ? parseNpz(whole, { maxBytes, faults }) : parseSampleLines(whole, faults);
}

const faults: TextFaults = {
  tooLarge: (maxBytes) =>
    new InferenceError(
      'SAMPLE_UPLOAD_TOO_LARGE',
      `the file has more than ${maxBytes} bytes after decompression; split it or raise the limit`,
      { details: { maxBytes } },
    ),
  compressionBroken: (cause) =>
    new InferenceError('SAMPLE_COMPRESSION_BROKEN', 'the gzip stream is damaged or cut off', { cause }),
  malformed: (line, why) =>
    new InferenceError('SAMPLE_MALFORMED', `line ${line} is no sample: ${why}`, { details: { line } }),
};
