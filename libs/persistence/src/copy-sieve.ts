/**
 * Takes the rows of a COPY out of what PostgreSQL sends, before postgres.js sees it: that makes several objects and a stream's
 * turn of every row. Everything else, errors among it, is left to it. Between two statements only; proven by
 * copy-sieve.spec.ts and test/medium/copy.spec.ts.
 */
import type { CopiedRows } from './copied-rows.js';

/** Type bytes of messages. */
const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR = 0x45;
const TYPE_BYTES = 1;
const HEAD_BYTES = 5;
const NOTHING = Buffer.alloc(0);

export class CopySieve {
  /** The first bytes of a message whose length has not come yet. */
  private head: Buffer = NOTHING;
  /** Bytes to come of the message under way. */
  private rest = 0;
  private isRow = false;
  private isDone = false;

  constructor(private readonly rows: CopiedRows) {}

  /** Adds the rows in `chunk` to those before, and returns the rest, which still lies in `chunk`. */
  sift(chunk: Buffer): Buffer[] {
    if (this.isDone) return [chunk];
    const bytes = this.head.length > 0 ? Buffer.concat([this.head, chunk]) : chunk;
    const others: Buffer[] = [];
    let from = 0;
    let at = this.pass(bytes.length, 0, this.rest);
    while (at + HEAD_BYTES <= bytes.length && !this.isDone) {
      const isRow = bytes[at] === COPY_DATA;
      // From here on all is passed as it comes: at the end of the statement nothing may be held back.
      this.isDone = bytes[at] === COPY_DONE || bytes[at] === ERROR;
      if (isRow !== this.isRow) {
        this.take(bytes.subarray(from, at), others);
        this.isRow = isRow;
        from = at;
      }
      at = this.isDone
        ? bytes.length
        : this.pass(bytes.length, at, TYPE_BYTES + bytes.readUInt32BE(at + TYPE_BYTES));
    }
    this.take(bytes.subarray(from, at), others);
    this.head = at < bytes.length ? Buffer.from(bytes.subarray(at)) : NOTHING;
    return others;
  }

  /** Where a message ends that has `length` bytes from `at` on, or as much of it as there is. */
  private pass(available: number, at: number, length: number): number {
    const end = Math.min(at + length, available);
    this.rest = at + length - end;
    return end;
  }

  private take(bytes: Buffer, others: Buffer[]): void {
    if (bytes.length === 0) return;
    if (this.isRow) this.rows.append(bytes, true);
    else others.push(bytes);
  }
}
