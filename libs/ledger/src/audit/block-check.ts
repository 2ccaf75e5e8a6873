/**
 * The quick look at a few thousand commitments: is everything exactly as it was sealed? Leaf by leaf the content that the
 * columns make is sealed again; then all contents and leaves are compared with what is stored, at once. No finding comes from
 * here: what differs in any way is looked at again by precise-audit.ts, which names it.
 * Pure. Proven by block-check.spec.ts and, with every kind of change, by test/medium/attack-columns.spec.ts.
 */
import type { CopiedRows } from '@app/persistence';
import { HASH_BYTES, hashLeaf, LeafSealer, SALT_BYTES, TlogError } from '@app/tlog';
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

export class BlockCheck {
  private readonly sealer: LeafSealer;
  private readonly maker: ContentMaker;
  private readonly leaves = new DerivedRows();
  private readonly contents = new DerivedRows();
  /** Row of `commitments` whose request the maker makes contents of. */
  private templateRow = NONE;

  constructor(
    type: string,
    private readonly check: RequestCheck,
  ) {
    this.sealer = new LeafSealer(type);
    this.maker = new ContentMaker(this.sealer);
  }

  /** The leaf hashes of the block, back to back; null when anything is not as it was sealed. */
  leafHashes(block: Block): Uint8Array | null {
    const { first, count, entries, commitments, openings } = block;
    if (entries.count !== count || commitments.count !== count) return null;
    this.leaves.startFrom(entries);
    this.contents.startFrom(openings);
    this.templateRow = NONE;
    const hashes = new Uint8Array(count * HASH_BYTES);
    const at = new IndexCursor(first);
    let opening = 0;
    for (let n = 0; n < count; n += 1, at.next()) {
      if (!at.isOf(entries, n) || !at.isOf(commitments, n)) return null;
      if (opening < openings.count && at.isOf(openings, opening)) {
        if (!this.deriveLeaf(block, n, opening)) return null;
        this.sealer.hashInto(hashes, n * HASH_BYTES);
        opening += 1;
      } else if (!hashErased(block, n, hashes)) return null;
      const isHash = entries.length(n, ENTRY.leafHash) === HASH_BYTES;
      if (
        !isHash ||
        !sameBytes(entries.bytes, entries.at(n, ENTRY.leafHash), hashes, n * HASH_BYTES, HASH_BYTES)
      )
        return null;
    }
    const isAsSealed =
      opening === openings.count && this.leaves.equal(entries) && this.contents.equal(openings);
    return isAsSealed ? hashes : null;
  }

  /** Puts what the columns of row `n` make where leaf and content are stored; false when they make nothing that fits. */
  private deriveLeaf({ entries, commitments, openings }: Block, n: number, opening: number): boolean {
    if (!this.knowsRequest(commitments, openings, n, opening)) return false;
    if (commitments.length(n, COMMITMENT.position) !== INT_BYTES) return false;
    const position = commitments.bytes.readInt32BE(commitments.at(n, COMMITMENT.position));
    const sampleBytes = openings.length(opening, OPENING.sampleId);
    if (position < 1 || sampleBytes < 0 || openings.length(opening, OPENING.salt) !== SALT_BYTES)
      return false;
    const sampleAt = openings.at(opening, OPENING.sampleId);
    const content = this.maker.make(position, openings.bytes, sampleAt, sampleAt + sampleBytes);
    this.sealer.sealContent(openings.bytes, openings.at(opening, OPENING.salt));
    return (
      this.contents.put(content, openings, opening, OPENING.content) &&
      this.leaves.put(this.sealer.leaf, entries, n, ENTRY.leaf)
    );
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
  return leaf !== null;
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
