/**
 * Rows of a log table in PostgreSQL's binary COPY form, each beginning with `log_id integer, leaf_index bigint`, which are
 * filled in last. Appended to one buffer: thousands of rows are sent without an object for any of them.
 */

/** Signature, flags, length of the (empty) extension. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);
const PLACE_COLUMNS = 2;
/** From the start of a row: number of columns, then length and value of log_id, then of leaf_index. */
const LOG_ID_AT = 2 + 4;
const LEAF_INDEX_AT = LOG_ID_AT + 4 + 4;
const PLACE_BYTES = LEAF_INDEX_AT + 8;

export type ColumnType = 'integer' | 'bigint' | 'bytea' | 'uuid' | 'text';
const PLACE_TYPES = ['integer', 'bigint'] as const;

/** A value as an element of an array literal. */
const READERS: Record<ColumnType, (buffer: Buffer, from: number, to: number) => string> = {
  integer: (buffer, from) => String(buffer.readInt32BE(from)),
  bigint: (buffer, from) => String(buffer.readBigInt64BE(from)),
  bytea: (buffer, from, to) => `"\\\\x${buffer.toString('hex', from, to)}"`,
  uuid: (buffer, from, to) => buffer.toString('hex', from, to),
  text: (buffer, from, to) => `"${buffer.toString('utf8', from, to).replaceAll(/["\\]/g, '\\$&')}"`,
};

export class CopyRows {
  private readonly starts: number[] = [];
  private buffer: Buffer;
  private end = 0;

  /** @param bytes to begin with; it grows */
  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafe(Math.max(bytes, PLACE_BYTES));
  }

  get count(): number {
    return this.starts.length;
  }

  /** Begins a row of log_id, leaf_index and `columns` more, which must follow in order. */
  beginRow(columns: number): void {
    this.reserve(PLACE_BYTES);
    this.starts.push(this.end);
    this.buffer.writeInt16BE(PLACE_COLUMNS + columns, this.end);
    this.buffer.writeInt32BE(4, this.end + LOG_ID_AT - 4);
    this.buffer.writeInt32BE(8, this.end + LEAF_INDEX_AT - 4);
    this.end += PLACE_BYTES;
  }

  addInteger(value: number): void {
    this.reserve(8);
    this.buffer.writeInt32BE(4, this.end);
    this.buffer.writeInt32BE(value, this.end + 4);
    this.end += 8;
  }

  addBytes(value: Uint8Array, from = 0, to = value.length): void {
    const length = to - from;
    this.reserve(4 + length);
    this.buffer.writeInt32BE(length, this.end);
    this.buffer.set(from === 0 && to === value.length ? value : value.subarray(from, to), this.end + 4);
    this.end += 4 + length;
  }

  /** Returns where the text lies: see {@link at}. */
  addText(value: string): { from: number; to: number } {
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    this.reserve(4 + 3 * value.length);
    const from = this.end + 4;
    const length = this.buffer.write(value, from, 'utf8');
    this.buffer.writeInt32BE(length, this.end);
    this.end = from + length;
    return { from, to: this.end };
  }

  /** The buffer that the last text lies in, until more is added. */
  get at(): Buffer {
    return this.buffer;
  }

  /** Gives the rows consecutive places from `first` on. */
  place(logId: number, first: bigint): void {
    const [high, low] = [Number(first >> 32n), Number(first & 0xffff_ffffn)];
    for (const [row, start] of this.starts.entries()) {
      const index = low + row;
      this.buffer.writeInt32BE(logId, start + LOG_ID_AT);
      this.buffer.writeInt32BE(high + (index > 0xffff_ffff ? 1 : 0), start + LEAF_INDEX_AT);
      this.buffer.writeUInt32BE(index >>> 0, start + LEAF_INDEX_AT + 4);
    }
  }

  /** What a COPY of all these rows, in this order, sends. */
  static message(parts: readonly CopyRows[]): Buffer {
    return Buffer.concat([HEADER, ...parts.map((part) => part.buffer.subarray(0, part.end)), TRAILER]);
  }

  /**
   * The same rows as one array literal a column, `log_id` and `leaf_index` first: parameters for `unnest`.
   * @param types of the columns that follow these two, in order
   */
  static arrays(parts: readonly CopyRows[], types: readonly ColumnType[]): string[] {
    const readers = [...PLACE_TYPES, ...types].map((type) => READERS[type]);
    const columns = readers.map((): string[] => []);
    for (const { buffer, starts } of parts) {
      for (const start of starts) {
        let at = start + 2;
        for (const [column, read] of readers.entries()) {
          const from = at + 4;
          at = from + buffer.readInt32BE(at);
          columns[column]!.push(read(buffer, from, at));
        }
      }
    }
    return columns.map((values) => `{${values.join(',')}}`);
  }

  private reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.end + bytes));
    this.buffer.copy(grown, 0, 0, this.end);
    this.buffer = grown;
  }
}
