/**
 * The quick look at a few thousand commitments: is everything exactly as it was sealed? Leaf by leaf the content that the
 * columns make is sealed again; then all contents and leaves are compared with what is stored, at once. No finding comes from
 * here: what differs in any way is looked at again by precise-audit.ts, which names it.
 * Pure. Proven by block-check.spec.ts and, with every kind of change, by test/medium/attack-columns.spec.ts.
 */
import type { CopiedRows } from '@app/persistence';
import { HASH_BYTES, hashLeaf, LeafBatch, SALT_BYTES, TlogError } from '@app/tlog';
import type { JsonObject } from '../append-operation.js';
import { type ContentTemplate, contentTemplate } from '../content-template.js';
import { COMMITMENT, ENTRY, LEAF_INDEX, OPENING } from './block-rows.js';
import { ContentMaker } from './content-maker.js';
import { parsedContent } from './opening-audit.js';

export interface Block {
  readonly first: bigint;
  readonly count: number;
  readonly entries: CopiedRows;
  readonly commitments: CopiedRows;
  readonly openings: CopiedRows;
  /** Leaves of the block whose request is erased. */
  readonly erased: ReadonlySet<bigint>;
}

/** True when the columns of the request say what `content` says: asked once for each run of a request's commitments. */
export type RequestCheck = (requestId: string, content: Readonly<Record<string, unknown>>) => boolean;

const UUID_BYTES = 16;
const INT_BYTES = 4;
const NONE = -1;
/** Room for a content at first; those of requests have some 300 bytes. */
const CONTENT_BYTES = 1024;
/** A block with longer contents is left to the precise look: the room for all slots stays below 5 MB. */
const LONGEST_CONTENT = 65_536;

export class BlockCheck {
  private batch: LeafBatch;
  private maker: ContentMaker;
  private readonly leaves = new DerivedRows();
  private readonly contents = new DerivedRows();
  /** Row of `commitments` whose request the maker makes contents of. */
  private templateRow = NONE;
  /** Rows of `entries` that the slots of the batch hold. */
  private readonly rows = new Int32Array(LeafBatch.slots);
  private filled = 0;

  constructor(
    private readonly type: string,
    private readonly check: RequestCheck,
  ) {
    this.batch = new LeafBatch(type, CONTENT_BYTES);
    this.maker = new ContentMaker(this.batch);
  }

  /** The leaf hashes of the block, back to back; null when anything is not as it was sealed. */
  leafHashes(block: Block): Uint8Array | null {
    const { first, count, entries, commitments, openings } = block;
    if (entries.count !== count || commitments.count !== count) return null;
    if (!this.makeRoom(openings)) return null;
    this.leaves.startFrom(entries);
    this.contents.startFrom(openings);
    this.templateRow = NONE;
    this.filled = 0;
    const hashes = new Uint8Array(count * HASH_BYTES);
    const at = new IndexCursor(first);
    let opening = 0;
    for (let n = 0; n < count; n += 1, at.next()) {
      if (!at.isOf(entries, n) || !at.isOf(commitments, n)) return null;
      if (opening < openings.count && at.isOf(openings, opening)) {
        if (!this.deriveLeaf(block, n, opening)) return null;
        opening += 1;
        if (this.filled === LeafBatch.slots && !this.sealSlots(entries, hashes)) return null;
      } else if (!hashErased(block, n, hashes)) return null;
    }
    const isAsSealed =
      opening === openings.count &&
      this.sealSlots(entries, hashes) &&
      this.leaves.equal(entries) &&
      this.contents.equal(openings);
    return isAsSealed ? hashes : null;
  }

  /** Makes the slots as large as the longest content; false where that would be too large. */
  private makeRoom(openings: CopiedRows): boolean {
    let longest = 0;
    for (let n = 0; n < openings.count; n += 1)
      longest = Math.max(longest, openings.length(n, OPENING.content));
    if (longest > LONGEST_CONTENT) return false;
    if (longest > this.batch.capacity) {
      this.batch = new LeafBatch(this.type, Math.min(2 * longest, LONGEST_CONTENT));
      this.maker = new ContentMaker(this.batch);
    }
    return true;
  }

  /**
   * Puts the content that the columns of row `n` make where it is stored, and into a slot, to be sealed; false when they make
   * nothing that fits.
   */
  private deriveLeaf({ commitments, openings }: Block, n: number, opening: number): boolean {
    if (!this.knowsRequest(commitments, openings, n, opening)) return false;
    if (commitments.length(n, COMMITMENT.position) !== INT_BYTES) return false;
    const position = commitments.bytes.readInt32BE(commitments.at(n, COMMITMENT.position));
    const sampleBytes = openings.length(opening, OPENING.sampleId);
    if (position < 1 || sampleBytes < 0 || openings.length(opening, OPENING.salt) !== SALT_BYTES)
      return false;
    const sampleAt = openings.at(opening, OPENING.sampleId);
    const slot = this.filled;
    const content = this.maker.make(slot, position, openings.bytes, sampleAt, sampleAt + sampleBytes);
    if (!content || !this.contents.put(content, openings, opening, OPENING.content)) return false;
    this.batch.salt(slot, openings.bytes, openings.at(opening, OPENING.salt));
    this.rows[slot] = n;
    this.filled += 1;
    return true;
  }

  /** Puts the leaves of the slots where they are stored, and their hashes into `hashes`; false where those differ. */
  private sealSlots(entries: CopiedRows, hashes: Uint8Array): boolean {
    if (this.filled > 0) this.batch.seal();
    for (let slot = 0; slot < this.filled; slot += 1) {
      const n = this.rows[slot]!;
      this.batch.hashInto(slot, hashes, n * HASH_BYTES);
      if (!this.leaves.put(this.batch.leaf(slot), entries, n, ENTRY.leaf)) return false;
      if (!isLeafHash(entries, n, hashes)) return false;
    }
    this.filled = 0;
    return true;
  }

  /** Makes the maker ready for the request of row `n`; false where the stored content is none of that request. */
  private knowsRequest(commitments: CopiedRows, openings: CopiedRows, n: number, opening: number): boolean {
    if (commitments.length(n, COMMITMENT.requestId) !== UUID_BYTES) return false;
    if (this.templateRow !== NONE && isSameRequest(commitments, this.templateRow, n)) return true;
    const content = parsedContent(openings.value(opening, OPENING.content)?.toString() ?? '');
    if (!content || !this.check(requestIdAt(commitments, n), content)) return false;
    const template = templateOf(content);
    if (!template) return false;
    this.maker.use(template);
    this.templateRow = n;
    return true;
  }
}

/** A copy of rows in which the values that follow from others are overwritten by what they must be. */
class DerivedRows {
  private bytes = Buffer.alloc(0);

  startFrom({ bytes, used }: CopiedRows): void {
    if (this.bytes.length < used) this.bytes = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(this.bytes, 0, 0, used);
  }

  /** False when the stored value has another length. */
  put(value: Uint8Array, stored: CopiedRows, row: number, column: number): boolean {
    if (stored.length(row, column) !== value.length) return false;
    this.bytes.set(value, stored.at(row, column));
    return true;
  }

  equal({ bytes, used }: CopiedRows): boolean {
    return bytes.compare(this.bytes, 0, used, 0, used) === 0;
  }
}

/** A leaf index in two halves: a bigint for each row would cost the most here. */
class IndexCursor {
  private high: number;
  private low: number;

  constructor(first: bigint) {
    this.high = Number(first >> 32n);
    this.low = Number(first & 0xffff_ffffn);
  }

  next(): void {
    this.low = (this.low + 1) >>> 0;
    if (this.low === 0) this.high += 1;
  }

  isOf(rows: CopiedRows, row: number): boolean {
    const { bytes } = rows;
    const at = rows.at(row, LEAF_INDEX);
    return bytes.readUInt32BE(at) === this.high && bytes.readUInt32BE(at + INT_BYTES) === this.low;
  }
}

/** Hashes the leaf of a row whose request is erased, so that nothing can make it again; false where it is not. */
function hashErased({ first, erased, entries }: Block, n: number, hashes: Uint8Array): boolean {
  const leaf = erased.has(first + BigInt(n)) ? entries.value(n, ENTRY.leaf) : null;
  if (leaf) hashes.set(hashLeaf(leaf), n * HASH_BYTES);
  return leaf !== null && isLeafHash(entries, n, hashes);
}

/** Whether the stored hash of row `n` is its place in `hashes`. */
function isLeafHash(entries: CopiedRows, n: number, hashes: Uint8Array): boolean {
  return (
    entries.length(n, ENTRY.leafHash) === HASH_BYTES &&
    sameBytes(entries.bytes, entries.at(n, ENTRY.leafHash), hashes, n * HASH_BYTES, HASH_BYTES)
  );
}

function templateOf(content: Readonly<Record<string, unknown>>): ContentTemplate | null {
  try {
    return contentTemplate(content as JsonObject);
  } catch (error) {
    if (error instanceof TlogError) return null;
    throw error;
  }
}

/** Compared here: a call out of JavaScript would cost more than so few bytes. */
function sameBytes(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i += 1) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

function isSameRequest(commitments: CopiedRows, one: number, other: number): boolean {
  const at = commitments.at(one, COMMITMENT.requestId);
  return sameBytes(
    commitments.bytes,
    at,
    commitments.bytes,
    commitments.at(other, COMMITMENT.requestId),
    UUID_BYTES,
  );
}

/** The requests of a block's commitments, each once for every run of them. */
export function requestIdsOf(commitments: CopiedRows): Set<string> {
  const ids = new Set<string>();
  for (let n = 0; n < commitments.count; n += 1)
    if (commitments.length(n, COMMITMENT.requestId) !== UUID_BYTES) continue;
    else if (n === 0 || !isSameRequest(commitments, n - 1, n)) ids.add(requestIdAt(commitments, n));
  return ids;
}

function requestIdAt(commitments: CopiedRows, n: number): string {
  const hex = commitments.value(n, COMMITMENT.requestId)!.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
