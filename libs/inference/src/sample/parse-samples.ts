/**
 * A file of samples as a stream of payloads: NDJSON in UTF-8, gzip or not, one sample a line in the form of
 * parse-sample.ts, each with its `sampleId`. Memory is one line. Proven by parse-sample.spec.ts.
 */
import { InferenceError } from '../errors.js';
import { decompress } from '../text/decompress.js';
import { splitLines } from '../text/lines.js';
import type { TextFaults } from '../text/text-faults.js';
import { malformedSample, parseSample } from './parse-sample.js';
import { encodeSample } from './payload.js';

/** A sample of 8 MiB as decimal numbers. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

export interface PayloadLine {
  /** Line of the file, 1 for the first; blank lines count. */
  readonly line: number;
  readonly sampleId: string;
  readonly payload: Uint8Array;
}

/**
 * Yields the samples of a file in its order, those of a chunk together.
 * @param maxBytes most bytes after decompression
 * @throws InferenceError SAMPLE_MALFORMED (details: line, field), SAMPLE_UPLOAD_TOO_LARGE, SAMPLE_COMPRESSION_BROKEN
 */
export async function* parseSamples(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<PayloadLine> {
  const text = decompress(bytes, { maxBytes, faults });
  for await (const lines of splitLines(text, { maxLineBytes: MAX_LINE_BYTES, faults })) {
    for (const line of lines) {
      if ('fault' in line) throw line.fault;
      if (line.text.trim() !== '') yield payloadOf(line.line, line.text);
    }
  }
}

function payloadOf(line: number, text: string): PayloadLine {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The cause is dropped on purpose: a parser's message quotes its input.
    throw faults.malformed(line, 'it is not JSON');
  }
  try {
    const { sampleId, sample } = parseSample(json);
    if (sampleId === null) throw malformedSample('sampleId', 'is missing');
    return { line, sampleId, payload: encodeSample(sample) };
  } catch (error) {
    if (!(error instanceof InferenceError)) throw error;
    const { code, message, details } = error;
    throw new InferenceError(code, `line ${line}: ${message}`, { details: { line, ...details } });
  }
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
