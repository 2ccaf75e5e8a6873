/** What can be wrong with the text of a recording, in its own codes. */
import { InferenceError } from '../errors.js';
import type { TextFaults } from '../text/text-faults.js';

/** A refusal of one line, in the words of whoever could not read it. */
export function malformed(line: number, why: string, cause?: unknown): InferenceError {
  return new InferenceError('RECORDING_MALFORMED_LINE', `line ${line} is not a row of a recording: ${why}`, {
    details: { line },
    cause,
  });
}

export const recordingFaults: TextFaults = {
  tooLarge: (maxBytes) =>
    new InferenceError(
      'RECORDING_TOO_LARGE',
      `the recording has more than ${maxBytes} bytes after decompression; split it or raise the limit`,
      { details: { maxBytes } },
    ),
  compressionBroken: (cause) =>
    new InferenceError('RECORDING_COMPRESSION_BROKEN', 'the gzip stream is damaged or cut off', { cause }),
  malformed,
};
