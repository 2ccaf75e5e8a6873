/**
 * The quick look at a few thousand commitments: is everything exactly as it was sealed? Leaf by leaf the content that the
 * columns make is sealed again; then all of them, the leaves and their hashes are compared with what is stored, at once. No
 * finding comes from here: what differs in any way is looked at again by precise-audit.ts, which names it.
 * Pure. Proven by block-check.spec.ts and, with every kind of change, by test/medium/attack-columns.spec.ts.
 */
import { HASH_BYTES, hashLeaf, LeafSealer, SALT_BYTES, TlogError } from '@app/tlog';
import type { JsonObject } from '../append-operation.js';
import { type ContentTemplate, contentTemplate } from '../content-template.js';
import { ExpectedContents, SEPARATOR } from './expected-contents.js';
import { parsedContent } from './opening-audit.js';

/** Rows of one block, column by column, their values back to back in order of leaf index. */
export interface EntryColumns {
  /** int64 each. */
  readonly indexes: Buffer;
  readonly leafHashes: Buffer;
  /** int32 each: bytes of each leaf. */
  readonly leafLengths: Buffer;
  readonly leaves: Buffer;
  /** Whether every leaf hash has 32 bytes: back to back, a byte too many in one could be the one that the next lacks. */
  readonly areWhole: boolean;
}

export interface CommitmentColumns {
  readonly indexes: Buffer;
  /** 16 bytes each. */
  readonly requestIds: Buffer;
  /** int32 each. */
  readonly positions: Buffer;
}

/** Without the rows that an erasure destroyed. */
export interface OpeningColumns {
  readonly indexes: Buffer;
  readonly salts: Buffer;
  /** With a {@link SEPARATOR} between two. */
  readonly samples: Buffer;
  readonly contents: Buffer;
  /** Whether every salt has 32 bytes, and no row lacks its sample or content. */
  readonly areWhole: boolean;
}

export interface BlockColumns {
  readonly entries: EntryColumns;
  readonly commitments: CommitmentColumns;
  readonly openings: OpeningColumns;
}

export interface Block extends BlockColumns {
  readonly first: bigint;
  readonly count: number;
  /** Leaves of the block whose request is erased. */
  readonly erased: ReadonlySet<bigint>;
}

/** True when the columns of the request say what `content` says: asked once for each run of a request's commitments. */
export type RequestCheck = (requestId: string, content: Readonly<Record<string, unknown>>) => boolean;

const UUID_BYTES = 16;
const INDEX_BYTES = 8;
const INT_BYTES = 4;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_UNESCAPED = 0x20;

export class BlockCheck {
  private readonly sealer: LeafSealer;

  constructor(
    type: string,
    private readonly check: RequestCheck,
  ) {
    this.sealer = new LeafSealer(type);
  }

  /** The leaf hashes of the block, back to back; null when anything is not as it was sealed. */
  leafHashes(block: Block): Uint8Array | null {
    const { first, count, entries, commitments, openings, erased } = block;
    const indexes = indexesFrom(first, count);
    if (!entries.indexes.equals(indexes) || !commitments.indexes.equals(indexes)) return null;
    if (!entries.areWhole || !openings.areWhole) return null;
    for (const ints of [entries.leafLengths, commitments.positions])
      if (ints.length !== count * INT_BYTES) return null;
    const cursor = new OpeningCursor(this.sealer, this.check, block);
    const hashes = new Uint8Array(count * HASH_BYTES);
    const leaves = new Uint8Array(entries.leaves.length);
    const { leaf } = this.sealer;
    let end = 0;
    for (let n = 0; n < count; n += 1) {
      const at = end;
      end += entries.leafLengths.readInt32BE(n * INT_BYTES);
      if (cursor.isAt(indexes, n)) {
        if (end - at !== leaf.length || !cursor.seal(n)) return null;
        leaves.set(leaf, at);
        this.sealer.hashInto(hashes, n * HASH_BYTES);
      } else if (erased.has(first + BigInt(n))) {
        const stored = entries.leaves.subarray(at, end);
        leaves.set(stored, at);
        hashes.set(hashLeaf(stored), n * HASH_BYTES);
      } else return null;
    }
    const isAsSealed = cursor.isDone() && entries.leaves.equals(leaves) && entries.leafHashes.equals(hashes);
    return isAsSealed ? hashes : null;
  }
}

/** Goes through the openings of a block and seals the content that each must have. */
class OpeningCursor {
  private readonly expected: ExpectedContents;
  private opening = 0;
  private sample = 0;
  private request: Buffer | null = null;

  constructor(
    private readonly sealer: LeafSealer,
    private readonly check: RequestCheck,
    private readonly block: BlockColumns,
  ) {
    this.expected = new ExpectedContents(sealer, block.openings.contents.length);
  }

  /** Whether the next opening is the one of row `n` of the block. */
  isAt(indexes: Buffer, n: number): boolean {
    return sameBytes(
      this.block.openings.indexes,
      this.opening * INDEX_BYTES,
      indexes,
      n * INDEX_BYTES,
      INDEX_BYTES,
    );
  }

  /** Seals what the columns of row `n` make; false when they make nothing. */
  seal(n: number): boolean {
    const { commitments, openings } = this.block;
    const id = n * UUID_BYTES;
    if (!this.request || !sameBytes(this.request, 0, commitments.requestIds, id, UUID_BYTES)) {
      this.request = commitments.requestIds.subarray(id, id + UUID_BYTES);
      const template = this.templateOf(this.request);
      if (!template) return false;
      this.expected.use(template);
    }
    const position = commitments.positions.readInt32BE(n * INT_BYTES);
    const saltAt = this.opening * SALT_BYTES;
    if (position < 1 || saltAt + SALT_BYTES > openings.salts.length || !this.addContent(position))
      return false;
    this.sealer.sealContent(openings.salts, saltAt);
    this.opening += 1;
    return true;
  }

  /** Whether all openings were sealed and hold what was sealed. */
  isDone(): boolean {
    const { indexes, salts, samples, contents } = this.block.openings;
    const total = this.opening;
    return (
      indexes.length === total * INDEX_BYTES &&
      salts.length === total * SALT_BYTES &&
      (total === 0 || this.sample === samples.length + 1) &&
      this.expected.equals(contents)
    );
  }

  /** The template of a request's contents, taken from its first one; null where that is no content of this request. */
  private templateOf(request: Buffer): ContentTemplate | null {
    const { contents } = this.block.openings;
    const at = this.expected.nextAt;
    const end = contents.indexOf(SEPARATOR, at);
    const content = parsedContent(contents.toString('utf8', at, end === -1 ? contents.length : end));
    if (!content || !this.check(uuidText(request), content)) return null;
    try {
      return contentTemplate(content as JsonObject);
    } catch (error) {
      if (error instanceof TlogError) return null;
      throw error;
    }
  }

  private addContent(position: number): boolean {
    const { samples } = this.block.openings;
    const from = this.sample;
    let end = from;
    let isPlain = true;
    for (; end < samples.length && samples[end] !== SEPARATOR; end += 1) {
      const byte = samples[end]!;
      if (byte < FIRST_UNESCAPED || byte === QUOTE || byte === BACKSLASH) isPlain = false;
    }
    if (from > samples.length) return false;
    this.sample = end + 1;
    if (isPlain) return this.expected.add(position, samples, from, end);
    const name = Buffer.from(JSON.stringify(samples.toString('utf8', from, end)));
    return this.expected.add(position, name, 1, name.length - 1);
  }
}

/** Compared here: a call out of JavaScript would cost more than so few bytes. */
function sameBytes(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean {
  if (aAt + length > a.length || bAt + length > b.length) return false;
  for (let i = 0; i < length; i += 1) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** int64 each; in two halves, because a bigint for each row would cost the most here. */
function indexesFrom(first: bigint, count: number): Buffer {
  const indexes = Buffer.allocUnsafe(count * INDEX_BYTES);
  const high = Number(first >> 32n);
  const low = Number(first & 0xffff_ffffn);
  for (let n = 0; n < count; n += 1) {
    indexes.writeUInt32BE(high + (low + n > 0xffff_ffff ? 1 : 0), n * INDEX_BYTES);
    indexes.writeUInt32BE((low + n) >>> 0, n * INDEX_BYTES + INT_BYTES);
  }
  return indexes;
}

/** The requests of a block's commitments, each once for every run of them. */
export function requestIdsOf({ requestIds }: CommitmentColumns): Set<string> {
  const ids = new Set<string>();
  for (let at = 0; at < requestIds.length; at += UUID_BYTES)
    if (at === 0 || !sameBytes(requestIds, at, requestIds, at - UUID_BYTES, UUID_BYTES))
      ids.add(uuidText(requestIds.subarray(at, at + UUID_BYTES)));
  return ids;
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
