/**
 * From bytes to numbered lines of text. A byte order mark and CRLF are taken away, bytes that are not UTF-8 are
 * refused with the number of their line; memory is one chunk and one line. Proven by parse-recording.spec.ts.
 */
import { InferenceError } from '../errors.js';

/** A row is two short fields; a longer line is no recording, and without a limit it would be held in memory whole. */
const MAX_LINE_BYTES = 65_536;
const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = '\uFEFF';

export interface Line {
  /** 1 for the first line of the file; blank lines count. */
  readonly line: number;
  readonly text: string;
}

/** A refusal of one line, in the words of whoever could not read it. */
export function malformed(line: number, why: string, cause?: unknown): InferenceError {
  return new InferenceError('RECORDING_MALFORMED_LINE', `line ${line} is not a row of a recording: ${why}`, {
    details: { line },
    cause,
  });
}

/**
 * Yields the lines of a text in batches (one for each chunk, so that a row does not cost a turn of the event loop).
 * @throws InferenceError RECORDING_MALFORMED_LINE
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield splitter.take(chunk);
  yield splitter.rest();
}

class LineSplitter {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private pending: Uint8Array = new Uint8Array();
  private count = 0;

  take(chunk: Uint8Array): Line[] {
    const bytes = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
    const lines: Line[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      lines.push(this.line(bytes.subarray(start, end)));
      start = end + 1;
    }
    // A copy: the caller may reuse the memory of its chunk.
    this.pending = bytes.slice(start);
    if (this.pending.length > MAX_LINE_BYTES) throw tooLong(this.count + 1);
    return lines;
  }

  rest(): Line[] {
    return this.pending.length > 0 ? [this.line(this.pending)] : [];
  }

  private line(bytes: Uint8Array): Line {
    this.count += 1;
    if (bytes.length > MAX_LINE_BYTES) throw tooLong(this.count);
    let text = this.decode(bytes);
    if (this.count === 1 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    return { line: this.count, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  }

  private decode(bytes: Uint8Array): string {
    try {
      return this.decoder.decode(bytes);
    } catch (cause) {
      throw malformed(this.count, 'its bytes are not UTF-8', cause);
    }
  }
}

function tooLong(line: number): InferenceError {
  return malformed(line, `it is longer than ${MAX_LINE_BYTES} bytes`);
}
