/**
 * What the contents of a block must be, from its columns alone, back to back as PostgreSQL sends them. Each is made where
 * it is sealed, and most differ from the one before in a few digits and a name: only those are written. Proven by
 * block-check.spec.ts.
 */
import type { LeafSealer } from '@app/tlog';
import type { ContentTemplate } from '../content-template.js';

/**
 * Stands between two texts of a column. Canonical JSON escapes it, so contents hold none; samples that hold one are left to the
 * precise audit.
 */
export const SEPARATOR = 0x01;
const QUOTE = 0x22;
const DIGIT_ZERO = 0x30;

export class ExpectedContents {
  private readonly all: Buffer;
  private end = 0;
  private pieces: Record<keyof ContentTemplate, Buffer> | null = null;
  /** The content in the sealer, and how it is laid out. */
  private content: Buffer = Buffer.alloc(0);
  private digits = 0;
  private nameBytes = 0;
  private nameAt = 0;

  /**
   * @param sealer gets each content, ready to be sealed
   * @param bytes of the block's contents: more than that cannot be expected
   */
  constructor(
    private readonly sealer: LeafSealer,
    bytes: number,
  ) {
    this.all = Buffer.allocUnsafe(bytes);
  }

  /** Where the next content begins. */
  get nextAt(): number {
    return this.end === 0 ? 0 : this.end + 1;
  }

  /** What follows is of another request. */
  use(template: ContentTemplate): void {
    const { beforePosition, beforeSample, afterSample } = template;
    this.pieces = {
      beforePosition: Buffer.from(beforePosition),
      beforeSample: Buffer.from(beforeSample),
      afterSample: Buffer.from(afterSample),
    };
    this.digits = 0;
  }

  /**
   * Adds a content and puts it into the sealer; false when there cannot be so many bytes.
   * @param position at least 1
   * @param names holds the sample at [from, to), as a JSON string without its quotes
   */
  add(position: number, names: Buffer, from: number, to: number): boolean {
    const digits = digitsOf(position);
    if (digits !== this.digits || to - from !== this.nameBytes) this.layOut(digits, to - from);
    const { content, nameAt, nextAt } = this;
    if (nextAt + content.length > this.all.length) return false;
    let rest = position;
    for (let at = this.pieces!.beforePosition.length + digits - 1; rest > 0; at -= 1) {
      content[at] = DIGIT_ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    for (let at = from; at < to; at += 1) content[nameAt + at - from] = names[at]!;
    if (nextAt > 0) this.all[this.end] = SEPARATOR;
    this.all.set(content, nextAt);
    this.end = nextAt + content.length;
    return true;
  }

  /** Whether these are the contents that were added, all of them. */
  equals(contents: Buffer): boolean {
    return this.end === contents.length && this.all.equals(contents);
  }

  private layOut(digits: number, nameBytes: number): void {
    const { beforePosition, beforeSample, afterSample } = this.pieces!;
    this.nameAt = beforePosition.length + digits + beforeSample.length + 1;
    this.content = this.sealer.content(this.nameAt + nameBytes + 1 + afterSample.length);
    this.content.set(beforePosition);
    this.content.set(beforeSample, beforePosition.length + digits);
    this.content[this.nameAt - 1] = QUOTE;
    this.content[this.nameAt + nameBytes] = QUOTE;
    this.content.set(afterSample, this.nameAt + nameBytes + 1);
    this.digits = digits;
    this.nameBytes = nameBytes;
  }
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits += 1;
  return digits;
}
