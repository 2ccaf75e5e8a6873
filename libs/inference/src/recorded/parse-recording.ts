/**
 * A file of recorded signals as a stream of rows: NDJSON or CSV, gzip or not, UTF-8 with or without byte order
 * mark, LF or CRLF. How the bytes were cut into chunks never changes the result, and memory does not grow with the file.
 * Whether a sample is named twice is not seen here (that takes memory of all rows) but by whoever stores them.
 * Proven by parse-recording.spec.ts.
 */
import { InferenceError } from '../errors.js';
import { decompress } from '../text/decompress.js';
import { splitLines } from '../text/lines.js';
import { recordingFaults as faults } from './recording-faults.js';
import { type RecordedRow, RowReader, type SignalKind } from './row-reader.js';

/** A row is two short fields; a longer line is no recording. */
const MAX_LINE_BYTES = 65_536;

export interface ParseOptions {
  readonly signalKind: SignalKind;
  /** Most bytes after decompression; a larger file is refused as soon as it is seen to be one. */
  readonly maxBytes: number;
}

/**
 * Yields the rows of a recording in the order of the file.
 * @throws InferenceError RECORDING_MALFORMED_LINE, RECORDING_VALUE_OUT_OF_RANGE, RECORDING_KIND_MISMATCH,
 *   RECORDING_TOO_LARGE, RECORDING_COMPRESSION_BROKEN, RECORDING_EMPTY
 */
export async function* parseRecording(
  bytes: AsyncIterable<Uint8Array>,
  options: ParseOptions,
): AsyncGenerator<RecordedRow> {
  const reader = new RowReader(options.signalKind);
  let rows = 0;
  const text = decompress(bytes, { maxBytes: options.maxBytes, faults });
  for await (const lines of splitLines(text, { maxLineBytes: MAX_LINE_BYTES, faults })) {
    for (const line of lines) {
      if ('fault' in line) throw line.fault;
      const row = reader.read(line);
      if (!row) continue;
      rows += 1;
      yield row;
    }
  }
  if (rows === 0) throw new InferenceError('RECORDING_EMPTY', 'the recording has no row');
}
