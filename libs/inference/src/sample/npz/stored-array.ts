/** One array of an .npz file, read a few rows at a time. Proven by parse-npz.spec.ts. */
import { MAX_NPY_HEADER_BYTES, NpyFault, type NpyHeader, readNpyHeader, WRONG_LENGTH } from '../npy.js';
import { refusedArray } from './refused-array.js';
import type { ByteRange } from './zip-arrays.js';

export class StoredArray {
  private constructor(
    readonly name: string,
    private readonly header: NpyHeader,
    private readonly content: ByteRange,
  ) {}

  /** @throws InferenceError SAMPLE_ARRAY_REFUSED */
  static async open(name: string, content: ByteRange): Promise<StoredArray> {
    const { spool, start, end } = content;
    const head = await spool.read(start, Math.min(end, start + MAX_NPY_HEADER_BYTES));
    return new StoredArray(
      name,
      blaming(name, () => readNpyHeader(head)),
      content,
    );
  }

  /** The length of the first axis; NaN where there is none. */
  get rows(): number {
    return this.header.shape[0] ?? NaN;
  }

  /** What `interpret` makes of the header. @throws InferenceError SAMPLE_ARRAY_REFUSED for its NpyFault */
  as<T>(interpret: (header: NpyHeader) => T): T {
    return blaming(this.name, () => interpret(this.header));
  }

  /** @throws InferenceError SAMPLE_ARRAY_REFUSED: more or fewer bytes than its rows have */
  checkLength(rowBytes: number): void {
    const { start, end } = this.content;
    if (end - start - this.header.end !== this.rows * rowBytes) throw refusedArray(this.name, WRONG_LENGTH);
  }

  /** Rows `from` to `to` of `rowBytes` bytes each; a buffer of their own. */
  readRows(from: number, to: number, rowBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const start = this.content.start + this.header.end;
    return this.content.spool.read(start + from * rowBytes, start + to * rowBytes);
  }
}

function blaming<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof NpyFault)) throw error;
    throw refusedArray(name, error.message);
  }
}
