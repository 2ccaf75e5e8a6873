/**
 * Seals many leaves of one type without an object for each: the same bytes as {@link sealLeaf}, about five times as fast.
 * HMAC is written out over the one-shot hash (RFC 2104), because the digest objects of `createHmac` cost more than the
 * hashing. Not for two callers at once: each seal overwrites the one before. Proven by leaf-sealer.spec.ts.
 */
import { hash } from 'node:crypto';
import { HASH_BYTES, sha256Into } from './hash.js';
import { leafText, requireLeafType, SALT_BYTES, saltMalformed } from './salted-leaf.js';

const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const FIRST_CONTENT_BYTES = 1024;

export class LeafSealer {
  /** The leaf of the last seal; overwritten by the next one. */
  readonly leaf: Buffer;
  /** RFC 6962: 0x00 and the leaf. */
  private readonly hashed: Buffer;
  private readonly commitmentAt: number;
  private inner = Buffer.alloc(BLOCK_BYTES + FIRST_CONTENT_BYTES, INNER_PAD);
  private readonly outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES, OUTER_PAD);

  /** @throws TLOG_LEAF_MALFORMED for a bad type */
  constructor(type: string) {
    requireLeafType(type);
    const text = leafText(type, new Uint8Array(HASH_BYTES));
    this.hashed = Buffer.from(`\0${text}`, 'latin1');
    this.leaf = this.hashed.subarray(1);
    this.commitmentAt = text.indexOf('":"') + '":"'.length;
  }

  /**
   * Makes {@link leaf} of `source[from .. to)` and the 32 bytes of `salts` at `saltAt`.
   * @throws TLOG_LEAF_MALFORMED when there is no whole salt at that place
   */
  seal(source: Buffer, from: number, to: number, salts: Uint8Array, saltAt = 0): void {
    if (saltAt + SALT_BYTES > salts.length) throw saltMalformed();
    const end = BLOCK_BYTES + to - from;
    if (end > this.inner.length) this.inner = Buffer.alloc(2 * end, INNER_PAD);
    const { inner, outer } = this;
    for (let i = 0; i < SALT_BYTES; i++) {
      const byte = salts[saltAt + i]!;
      inner[i] = byte ^ INNER_PAD;
      outer[i] = byte ^ OUTER_PAD;
    }
    source.copy(inner, BLOCK_BYTES, from, to);
    sha256Into(outer, BLOCK_BYTES, inner.subarray(0, end));
    this.leaf.write(hash('sha256', outer, 'base64'), this.commitmentAt, 'latin1');
  }

  /** Writes the leaf hash of the last seal to `target` at `offset`. */
  hashInto(target: Uint8Array, offset: number): void {
    sha256Into(target, offset, this.hashed);
  }
}
