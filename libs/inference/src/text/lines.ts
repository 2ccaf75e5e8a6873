/**
 * From bytes to numbered lines of text. A byte order mark and CRLF are taken away; a line that is too long or not UTF-8
 * comes as its fault, and the lines after it are read all the same. Memory is one chunk and one line.
 * Proven by recorded/parse-recording.spec.ts and by lines.spec.ts.
 */
import type { TextFaults } from './text-faults.js';

const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = '\uFEFF';

export interface Line {
  /** 1 for the first line of the file; blank lines count. */
  readonly line: number;
  readonly text: string;
}

/** A line that could not be read. */
export interface FaultyLine {
  readonly line: number;
  readonly fault: Error;
}

export interface LineOptions {
  /** Longest line in bytes; without a limit it would be held in memory whole. */
  readonly maxLineBytes: number;
  readonly faults: TextFaults;
}

/** Yields the lines of a text in batches (one for each chunk, so that a line does not cost a turn of the event loop). */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  options: LineOptions,
): AsyncGenerator<readonly (Line | FaultyLine)[]> {
  const splitter = new LineSplitter(options);
  for await (const chunk of chunks) yield splitter.take(chunk);
  yield splitter.rest();
}

class LineSplitter {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Pieces of the line that has not ended yet. */
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private count = 0;

  constructor(private readonly options: LineOptions) {}

  take(chunk: Uint8Array): (Line | FaultyLine)[] {
    const lines: (Line | FaultyLine)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.keep(chunk.subarray(start, end));
      lines.push(this.finish());
      start = end + 1;
    }
    // A copy: the caller may reuse the memory of its chunk.
    if (start < chunk.length) this.keep(chunk.slice(start));
    return lines;
  }

  rest(): (Line | FaultyLine)[] {
    return this.pendingBytes > 0 ? [this.finish()] : [];
  }

  private keep(piece: Uint8Array): void {
    this.pendingBytes += piece.length;
    // The rest of a line that is too long is counted, not held.
    if (this.pendingBytes <= this.options.maxLineBytes) this.pending.push(piece);
    else this.pending = [];
  }

  private finish(): Line | FaultyLine {
    const { faults, maxLineBytes } = this.options;
    const [bytes, length] = [this.pending, this.pendingBytes];
    this.pending = [];
    this.pendingBytes = 0;
    this.count += 1;
    const line = this.count;
    if (length > maxLineBytes)
      return { line, fault: faults.malformed(line, `it is longer than ${maxLineBytes} bytes`) };
    try {
      const decoded = this.decoder.decode(bytes.length === 1 ? bytes[0] : Buffer.concat(bytes));
      const text = line === 1 && decoded.startsWith(BYTE_ORDER_MARK) ? decoded.slice(1) : decoded;
      return { line, text: text.endsWith('\r') ? text.slice(0, -1) : text };
    } catch (cause) {
      return { line, fault: faults.malformed(line, 'its bytes are not UTF-8', cause) };
    }
  }
}
