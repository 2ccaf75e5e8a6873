/**
 * What the contents of a block must be, from its columns alone. Each is made where it is sealed, and most differ from the one
 * before in a few digits and a name: only those are written. Proven by block-check.spec.ts.
 */
import { LeafBatch } from '@app/tlog';
import type { ContentTemplate } from '../content-template.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_UNESCAPED = 0x20;
const DIGIT_ZERO = 0x30;

/** How the content in a slot is laid out. */
interface Layout {
  /** Of which request's template. */
  request: number;
  content: Buffer;
  digits: number;
  nameBytes: number;
  nameAt: number;
}

const NOTHING = Buffer.alloc(0);

export class ContentMaker {
  private pieces: Record<keyof ContentTemplate, Buffer> | null = null;
  /** Counts them, so that a slot laid out for an earlier one is known. */
  private request = 0;
  private readonly layouts: readonly Layout[] = Array.from({ length: LeafBatch.slots }, () => ({
    request: 0,
    content: NOTHING,
    digits: 0,
    nameBytes: 0,
    nameAt: 0,
  }));

  /** @param batch gets each content, ready to be sealed */
  constructor(private readonly batch: LeafBatch) {}

  /** What follows is of another request. */
  use(template: ContentTemplate): void {
    const { beforePosition, beforeSample, afterSample } = template;
    this.pieces = {
      beforePosition: Buffer.from(beforePosition),
      beforeSample: Buffer.from(beforeSample),
      afterSample: Buffer.from(afterSample),
    };
    this.request += 1;
  }

  /**
   * Puts the content into a slot of the batch and returns it; null where it is longer than a slot.
   * @param position at least 1
   * @param samples holds the sample's id at [from, to), UTF-8
   */
  make(slot: number, position: number, samples: Buffer, from: number, to: number): Buffer | null {
    for (let at = from; at < to; at += 1) {
      const byte = samples[at]!;
      if (byte < FIRST_UNESCAPED || byte === QUOTE || byte === BACKSLASH) {
        const name = Buffer.from(JSON.stringify(samples.toString('utf8', from, to)));
        return this.fill(slot, position, name, 1, name.length - 1);
      }
    }
    return this.fill(slot, position, samples, from, to);
  }

  /** @param names holds the sample at [from, to), as a JSON string without its quotes */
  private fill(slot: number, position: number, names: Buffer, from: number, to: number): Buffer | null {
    const layout = this.layouts[slot]!;
    const digits = digitsOf(position);
    const isLaidOut =
      layout.request === this.request && layout.digits === digits && layout.nameBytes === to - from;
    if (!isLaidOut && !this.layOut(slot, layout, digits, to - from)) return null;
    const { content, nameAt } = layout;
    let rest = position;
    for (let at = this.pieces!.beforePosition.length + digits - 1; rest > 0; at -= 1) {
      content[at] = DIGIT_ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    for (let at = from; at < to; at += 1) content[nameAt + at - from] = names[at]!;
    return content;
  }

  /** False where the slot has too little room. */
  private layOut(slot: number, layout: Layout, digits: number, nameBytes: number): boolean {
    const { beforePosition, beforeSample, afterSample } = this.pieces!;
    const nameAt = beforePosition.length + digits + beforeSample.length + 1;
    const bytes = nameAt + nameBytes + 1 + afterSample.length;
    if (bytes > this.batch.capacity) return false;
    const content = this.batch.content(slot, bytes);
    content.set(beforePosition);
    content.set(beforeSample, beforePosition.length + digits);
    content[nameAt - 1] = QUOTE;
    content[nameAt + nameBytes] = QUOTE;
    content.set(afterSample, nameAt + nameBytes + 1);
    Object.assign(layout, { request: this.request, content, digits, nameBytes, nameAt });
    return true;
  }
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits += 1;
  return digits;
}
