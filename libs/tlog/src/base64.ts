/**
 * RFC 4648 section 4 base64 with exactly one spelling per value: padding required, unused bits zero, nothing
 * skipped. Node's own decoder forgives all three, which would let a stranger vary a signed note's bytes.
 */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The bytes, or undefined where `text` is not their canonical base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined;
}

const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;

/** Writes the base64 of `length` bytes from `from` on to `target`, without a string in between. @returns where it ends */
export function writeBase64(
  source: Uint8Array,
  from: number,
  length: number,
  target: Uint8Array,
  to: number,
): number {
  const end = from + length;
  let next = to;
  for (let at = from; at < end; at += 3) {
    const left = end - at;
    const [one, two, three] = [source[at]!, left > 1 ? source[at + 1]! : 0, left > 2 ? source[at + 2]! : 0];
    target[next++] = ALPHABET[one >> 2]!;
    target[next++] = ALPHABET[((one & 0x3) << 4) | (two >> 4)]!;
    target[next++] = left > 1 ? ALPHABET[((two & 0xf) << 2) | (three >> 6)]! : PADDING;
    target[next++] = left > 2 ? ALPHABET[three & 0x3f]! : PADDING;
  }
  return next;
}
