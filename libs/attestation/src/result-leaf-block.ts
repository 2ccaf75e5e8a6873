/**
 * Many result leaves at once: the same lines as {@link formatResultLeaf} writes and the root over their leaf hashes, in less than
 * half the time. Lines are written byte by byte into memory that is used again, and hashed four at once. Proven by
 * result-leaf-block.spec.ts.
 */
import { invariant } from '@app/errors';
import {
  BLOCK_BYTES,
  type Digests,
  HASH_BYTES,
  HashLanes,
  type Messages,
  paddedBlocks,
  TileBuilder,
  writeBase64,
} from '@app/tlog';
import { BLIND_BYTES, requireWellFormed, type ResultLeaf } from './result-leaf.js';
import type { Verdict } from './statement.js';
import { VERDICTS } from './statement.js';

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

// What stands between the values, which are in canonical order.
const BEFORE_BLIND = ascii('{"blind":"');
const BEFORE_INDEX = ascii('","index":"');
const BEFORE_LEAF_HASH = ascii('","leafHash":"');
const BEFORE_P_MEMBER = ascii('","pMember":');
const BEFORE_P_RESIDUAL = ascii(',"pResidual":');
const BEFORE_SCORE = ascii(',"score":');
const BEFORE_VERDICT = ascii(',"verdict":"');
const END = ascii('","version":1}');
const NULL = ascii('null');
const WORDS = Object.fromEntries(VERDICTS.map((verdict) => [verdict, ascii(verdict)])) as Record<
  Verdict,
  Uint8Array
>;
const ZERO = 0x30;
const LINE_END = 0x0a;

/** No line is longer: 19 digits of an index, 7 of each number, the base64 of blind and hash, and the longest verdict. */
const LONGEST_LINE =
  [BEFORE_BLIND, BEFORE_INDEX, BEFORE_LEAF_HASH, BEFORE_P_MEMBER, BEFORE_P_RESIDUAL, BEFORE_SCORE]
    .concat(BEFORE_VERDICT, END)
    .reduce((sum, { length }) => sum + length, 0) +
  (19 + 3 * 7 + 24 + 44 + Math.max(...VERDICTS.map(({ length }) => length)));

/** RFC 6962: 0x00 before a leaf. */
const PREFIX_BYTES = 1;
/** What all slots take fits the nearer caches of a processor. */
const SLOTS = 64;
const STRIDE = paddedBlocks(PREFIX_BYTES + LONGEST_LINE) * BLOCK_BYTES;
const COUNT_BYTES = 4;
const DIGESTS_IN_ROWS: Omit<Digests, 'at'> = { step: HASH_BYTES, pair: 2 * HASH_BYTES };

export class ResultLeafBlock {
  private readonly text: Buffer;
  private readonly hashes: Uint8Array;
  private readonly lanes = new HashLanes(SLOTS * (STRIDE + COUNT_BYTES + HASH_BYTES));
  private readonly messages: Messages = {
    at: this.lanes.allocate(SLOTS * STRIDE),
    stride: STRIDE,
    count: SLOTS,
    blocks: this.lanes.allocate(SLOTS * COUNT_BYTES),
  };
  private readonly digests = this.lanes.allocate(SLOTS * HASH_BYTES);
  private used = 0;
  private count = 0;

  /** @param width most leaves at once */
  constructor(private readonly width: number) {
    this.text = Buffer.alloc(width * (LONGEST_LINE + 1));
    this.hashes = new Uint8Array(width * HASH_BYTES);
    for (let slot = 0; slot < SLOTS; slot++) this.lanes.pad(...this.message(slot, PREFIX_BYTES));
  }

  /** @throws ATTESTATION_RESULTS_MISMATCH where a value is out of range */
  add(leaf: ResultLeaf): void {
    requireWellFormed(leaf);
    invariant(this.count < this.width, 'a block takes as many leaves as it was made for');
    if (this.count > 0) this.text[this.used++] = LINE_END;
    const start = this.used;
    this.write(leaf);
    const slot = this.count % SLOTS;
    const [at, length, blocks] = this.message(slot, PREFIX_BYTES + this.used - start);
    this.lanes.bytes.set(this.text.subarray(start, this.used), at + PREFIX_BYTES);
    this.lanes.pad(at, length, blocks);
    this.count += 1;
    if (slot === SLOTS - 1) this.hash();
  }

  /** Lines and root of the leaves since the last call, and room for others. @returns lines without an end after the last one */
  take(): { readonly lines: string; readonly root: Uint8Array } {
    if (this.count % SLOTS > 0) this.hash();
    const tree = new TileBuilder(0n, []);
    tree.appendAll(this.hashes.subarray(0, this.count * HASH_BYTES));
    const lines = this.text.toString('latin1', 0, this.used);
    this.used = this.count = 0;
    return { lines, root: tree.compactRange().root() };
  }

  private message(slot: number, length: number): [at: number, length: number, blocks: number] {
    const { at, stride, blocks } = this.messages;
    return [at + slot * stride, length, blocks + slot * COUNT_BYTES];
  }

  /** Hashes all slots; those that no leaf was put in since are hashed in vain. */
  private hash(): void {
    const { bytes } = this.lanes;
    this.lanes.hash(this.messages, { at: this.digests, ...DIGESTS_IN_ROWS });
    const full = Math.floor((this.count - 1) / SLOTS) * SLOTS;
    const end = this.digests + (this.count - full) * HASH_BYTES;
    this.hashes.set(bytes.subarray(this.digests, end), full * HASH_BYTES);
  }

  private write({ index, leafHash, verdict, score, pResidual, pMember, blind }: ResultLeaf): void {
    this.put(BEFORE_BLIND);
    this.used = writeBase64(blind, 0, BLIND_BYTES, this.text, this.used);
    this.put(BEFORE_INDEX);
    this.putDigits(index.toString());
    this.put(BEFORE_LEAF_HASH);
    this.used = writeBase64(leafHash, 0, HASH_BYTES, this.text, this.used);
    this.put(BEFORE_P_MEMBER);
    this.putMillionths(pMember);
    this.put(BEFORE_P_RESIDUAL);
    this.putMillionths(pResidual);
    this.put(BEFORE_SCORE);
    this.putMillionths(score);
    this.put(BEFORE_VERDICT);
    this.put(WORDS[verdict]);
    this.put(END);
  }

  private put(bytes: Uint8Array): void {
    const { text, used } = this;
    for (let i = 0; i < bytes.length; i++) text[used + i] = bytes[i]!;
    this.used = used + bytes.length;
  }

  private putDigits(digits: string): void {
    for (let i = 0; i < digits.length; i++) this.text[this.used++] = digits.charCodeAt(i);
  }

  private putMillionths(value: number | null): void {
    if (value === null) {
      this.put(NULL);
      return;
    }
    let length = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) length += 1;
    let rest = value;
    for (let at = this.used + length - 1; at >= this.used; at--) {
      this.text[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.used += length;
  }
}
