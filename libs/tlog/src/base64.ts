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
