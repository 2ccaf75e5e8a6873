/**
 * NDJSON in UTF-8 as a stream of payloads: one sample a line in the form of parse-sample.ts, each with its `sampleId`. Memory is
 * one line. Proven by parse-sample.spec.ts.
 */
import { splitLines } from '../text/lines.js';
import type { TextFaults } from '../text/text-faults.js';
import { parseSample } from './parse-sample.js';
import { encodeSample } from './payload.js';
import { atPlace, type PlacedPayload } from './placed-payload.js';
import { malformedSample } from './sample-rules.js';

/** A sample of 8 MiB as decimal numbers. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

/**
 * Yields the samples of a text in its order.
 * @throws InferenceError SAMPLE_MALFORMED (details: line, field); what `faults` makes of a line that is no text
 */
export async function* parseSampleLines(
  text: AsyncIterable<Uint8Array>,
  faults: TextFaults,
): AsyncGenerator<PlacedPayload> {
  for await (const lines of splitLines(text, { maxLineBytes: MAX_LINE_BYTES, faults })) {
    for (const line of lines) {
      if ('fault' in line) throw line.fault;
      if (line.text.trim() !== '') yield payloadOf(line.line, line.text, faults);
    }
  }
}

function payloadOf(line: number, text: string, faults: TextFaults): PlacedPayload {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The cause is dropped on purpose: a parser's message quotes its input.
    throw faults.malformed(line, 'it is not JSON');
  }
  const place = { line };
  try {
    const { sampleId, sample } = parseSample(json);
    if (sampleId === null) throw malformedSample('sampleId', 'is missing');
    return { place, sampleId, payload: encodeSample(sample) };
  } catch (error) {
    throw atPlace(error, place);
  }
}
