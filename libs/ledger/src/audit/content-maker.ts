/**
 * What the contents of a block must be, from its columns alone. Each is made where it is sealed, and most differ from the one
 * before in a few digits and a name: only those are written. Proven by block-check.spec.ts.
 */
import type { LeafSealer } from '@app/tlog';
import type { ContentTemplate } from '../content-template.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_UNESCAPED = 0x20;
const DIGIT_ZERO = 0x30;

export class ContentMaker {
  private pieces: Record<keyof ContentTemplate, Buffer> | null = null;
  /** The content in the sealer, and how it is laid out. */
  private content: Buffer = Buffer.alloc(0);
  private digits = 0;
  private nameBytes = 0;
  private nameAt = 0;

  /** @param sealer gets each content, ready to be sealed */
  constructor(private readonly sealer: LeafSealer) {}

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
   * Puts the content into the sealer and returns it; overwritten by the next one.
   * @param position at least 1
   * @param samples holds the sample's id at [from, to), UTF-8
   */
  make(position: number, samples: Buffer, from: number, to: number): Buffer {
    for (let at = from; at < to; at += 1) {
      const byte = samples[at]!;
      if (byte < FIRST_UNESCAPED || byte === QUOTE || byte === BACKSLASH) {
        const name = Buffer.from(JSON.stringify(samples.toString('utf8', from, to)));
        return this.fill(position, name, 1, name.length - 1);
      }
    }
    return this.fill(position, samples, from, to);
  }

  /** @param names holds the sample at [from, to), as a JSON string without its quotes */
  private fill(position: number, names: Buffer, from: number, to: number): Buffer {
    const digits = digitsOf(position);
    if (digits !== this.digits || to - from !== this.nameBytes) this.layOut(digits, to - from);
    const { content, nameAt } = this;
    let rest = position;
    for (let at = this.pieces!.beforePosition.length + digits - 1; rest > 0; at -= 1) {
      content[at] = DIGIT_ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    for (let at = from; at < to; at += 1) content[nameAt + at - from] = names[at]!;
    return content;
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
