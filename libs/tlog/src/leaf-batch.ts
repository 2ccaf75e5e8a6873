/**
 * Seals many leaves of one type at once: the same bytes as {@link sealLeaf}, and their leaf hashes. For whoever has
 * thousands to derive again; of a single one, leaf-sealer.ts. Each leaf has a slot, in which its content and what follows from it
 * are the messages of sha256-lanes.ts: HMAC's inner and outer one (RFC 2104), and the leaf's. Proven by leaf-batch.spec.ts.
 */
import { invariant } from '@app/errors';
import { writeBase64 } from './base64.js';
import { HASH_BYTES } from './hash.js';
import { leafText, requireLeafType, SALT_BYTES, saltMalformed } from './salted-leaf.js';
import { BLOCK_BYTES, type Digests, HashLanes, type Messages, paddedBlocks } from './sha256-lanes.js';

/** What all slots take fits the nearer caches of a processor. */
const SLOTS = 64;
const COUNT_BYTES = 4;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const OUTER_BYTES = BLOCK_BYTES + HASH_BYTES;
const OUTER_STRIDE = paddedBlocks(OUTER_BYTES) * BLOCK_BYTES;
/** RFC 6962: 0x00 before the leaf. */
const PREFIX_BYTES = 1;

export class LeafBatch {
  static readonly slots = SLOTS;
  private readonly lanes: HashLanes;
  private readonly inner: Messages;
  private readonly outer: Messages;
  private readonly hashed: Messages;
  private readonly digests: number;
  private readonly commitmentAt: number;
  private readonly leafBytes: number;
  private readonly contents: (Buffer | null)[] = Array.from({ length: SLOTS }, () => null);
  private readonly leaves: readonly Uint8Array[];

  /**
   * @param capacity bytes of the longest content
   * @throws TLOG_LEAF_MALFORMED for a bad type
   */
  constructor(
    type: string,
    readonly capacity: number,
  ) {
    requireLeafType(type);
    const text = leafText(type, new Uint8Array(HASH_BYTES));
    this.leafBytes = text.length;
    this.commitmentAt = PREFIX_BYTES + text.indexOf('":"') + '":"'.length;
    const strides = [BLOCK_BYTES + capacity, OUTER_BYTES, PREFIX_BYTES + text.length].map(
      (length) => paddedBlocks(length) * BLOCK_BYTES,
    );
    this.lanes = new HashLanes(
      SLOTS * (HASH_BYTES + strides.reduce((sum, stride) => sum + stride + COUNT_BYTES, 0)),
    );
    [this.inner, this.outer, this.hashed] = strides.map((stride) => this.messages(stride)) as [
      Messages,
      Messages,
      Messages,
    ];
    this.digests = this.lanes.allocate(SLOTS * HASH_BYTES);
    this.leaves = Array.from({ length: SLOTS }, (_, slot) => this.prepare(slot, text));
  }

  /**
   * Where the content of a slot is written; it holds the one before as far as that was as long.
   * @param bytes at most {@link capacity}
   */
  content(slot: number, bytes: number): Buffer {
    const known = this.contents[slot];
    if (known?.length === bytes) return known;
    invariant(bytes <= this.capacity, 'a content fits its slot');
    const { at, stride, blocks } = this.inner;
    const start = at + slot * stride;
    this.lanes.pad(start, BLOCK_BYTES + bytes, blocks + slot * COUNT_BYTES);
    const content = Buffer.from(this.lanes.bytes.buffer, start + BLOCK_BYTES, bytes);
    this.contents[slot] = content;
    return content;
  }

  /** Takes the 32 bytes of `salts` at `saltAt`. @throws TLOG_LEAF_MALFORMED when there is no whole salt at that place */
  salt(slot: number, salts: Uint8Array, saltAt: number): void {
    if (saltAt + SALT_BYTES > salts.length) throw saltMalformed();
    const { bytes } = this.lanes;
    const [inner, outer] = [this.inner.at + slot * this.inner.stride, this.outer.at + slot * OUTER_STRIDE];
    for (let i = 0; i < SALT_BYTES; i++) {
      const byte = salts[saltAt + i]!;
      bytes[inner + i] = byte ^ INNER_PAD;
      bytes[outer + i] = byte ^ OUTER_PAD;
    }
  }

  /** Makes leaves and leaf hashes of what all slots hold. */
  seal(): void {
    const { lanes, inner, outer, hashed, digests } = this;
    lanes.hash(inner, { at: outer.at + BLOCK_BYTES, ...inRows(OUTER_STRIDE) });
    lanes.hash(outer, { at: digests, ...inRows(HASH_BYTES) });
    for (let slot = 0; slot < SLOTS; slot++)
      writeBase64(
        lanes.bytes,
        digests + slot * HASH_BYTES,
        HASH_BYTES,
        lanes.bytes,
        hashed.at + slot * hashed.stride + this.commitmentAt,
      );
    lanes.hash(hashed, { at: digests, ...inRows(HASH_BYTES) });
  }

  /** The leaf of the last {@link seal}; overwritten by the next one. */
  leaf(slot: number): Uint8Array {
    return this.leaves[slot]!;
  }

  /** Writes the leaf hash of the last {@link seal} to `target` at `offset`. */
  hashInto(slot: number, target: Uint8Array, offset: number): void {
    const { bytes } = this.lanes;
    const at = this.digests + slot * HASH_BYTES;
    for (let i = 0; i < HASH_BYTES; i++) target[offset + i] = bytes[at + i]!;
  }

  private messages(stride: number): Messages {
    const { lanes } = this;
    const at = lanes.allocate(SLOTS * stride);
    return { at, stride, count: SLOTS, blocks: lanes.allocate(SLOTS * COUNT_BYTES) };
  }

  /** Writes what is the same in all leaves; returns where the slot's leaf will be. */
  private prepare(slot: number, text: string): Uint8Array {
    const { lanes, inner, outer, hashed } = this;
    const [inside, outside] = [inner.at + slot * inner.stride, outer.at + slot * OUTER_STRIDE];
    lanes.bytes.fill(INNER_PAD, inside, inside + BLOCK_BYTES);
    lanes.bytes.fill(OUTER_PAD, outside, outside + BLOCK_BYTES);
    this.content(slot, 0);
    lanes.pad(outside, OUTER_BYTES, outer.blocks + slot * COUNT_BYTES);
    const leafAt = hashed.at + slot * hashed.stride + PREFIX_BYTES;
    lanes.pad(leafAt - PREFIX_BYTES, PREFIX_BYTES + this.leafBytes, hashed.blocks + slot * COUNT_BYTES);
    lanes.bytes.set(Buffer.from(text, 'latin1'), leafAt);
    return lanes.bytes.subarray(leafAt, leafAt + this.leafBytes);
  }
}

const inRows = (stride: number): Omit<Digests, 'at'> => ({ step: stride, pair: 2 * stride });
