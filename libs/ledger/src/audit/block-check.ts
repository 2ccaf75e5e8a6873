/**
 * The quick look at a few thousand commitments: is everything exactly as it was sealed? Leaf by leaf the content is
 * sealed again and the leaf and its hash compared, and the content is compared with what its columns say. No finding
 * comes from here: what differs in any way is looked at again by precise-audit.ts, which names it.
 * Pure. Proven by block-check.spec.ts and, with every kind of change, by test/medium/attack-columns.spec.ts.
 */
import { HASH_BYTES, hashLeaf, LeafSealer, SALT_BYTES, TlogError } from '@app/tlog';
import type { JsonObject } from '../append-operation.js';
import { type ContentTemplate, contentTemplate } from '../content-template.js';
import { parsedContent } from './opening-audit.js';

/** Rows of one block, column by column, their values back to back in order of leaf index. */
export interface EntryColumns {
  /** int64 each. */
  readonly indexes: Buffer;
  readonly leafHashes: Buffer;
  /** int32 each: bytes of each leaf. */
  readonly leafLengths: Buffer;
  readonly leaves: Buffer;
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
  readonly sampleLengths: Buffer;
  readonly samples: Buffer;
  readonly contentLengths: Buffer;
  readonly contents: Buffer;
}

export interface BlockColumns {
  readonly first: bigint;
  readonly count: number;
  readonly entries: EntryColumns;
  readonly commitments: CommitmentColumns;
  readonly openings: OpeningColumns;
  /** Leaves of the block whose request is erased. */
  readonly erased: ReadonlySet<bigint>;
}

/** True when the columns of the request say what `content` says: asked once for each run of a request's commitments. */
export type RequestCheck = (requestId: string, content: Readonly<Record<string, unknown>>) => boolean;

interface ContentShape extends ContentTemplate {
  readonly request: Buffer;
}

const UUID_BYTES = 16;
const INDEX_BYTES = 8;
const INT_BYTES = 4;
const LOW_HALF = 0xffff_ffffn;
/** Longer contents are left to the precise audit. */
const MAX_CONTENT_BYTES = 16_384;

/** Where the values of the leaf in hand begin and end, and which of the openings is next. */
interface Cursor {
  leaf: number;
  leafEnd: number;
  opening: number;
  sample: number;
  sampleEnd: number;
  content: number;
  contentEnd: number;
}

export class BlockCheck {
  private readonly sealer: LeafSealer;
  private readonly expected = Buffer.alloc(MAX_CONTENT_BYTES);
  private shape: ContentShape | null = null;
  /** How much of `expected` the shape has filled. */
  private shapeEnd = 0;

  constructor(
    type: string,
    private readonly check: RequestCheck,
  ) {
    this.sealer = new LeafSealer(type);
  }

  /** The leaf hashes of the block, back to back; null when anything is not as it was sealed. */
  leafHashes(block: BlockColumns): Uint8Array | null {
    const { first, count, entries, commitments, openings, erased } = block;
    for (const { indexes } of [entries, commitments]) if (indexes.length !== count * INDEX_BYTES) return null;
    const hashes = new Uint8Array(count * HASH_BYTES);
    const cursor: Cursor = {
      leaf: 0,
      leafEnd: 0,
      opening: 0,
      sample: 0,
      sampleEnd: 0,
      content: 0,
      contentEnd: 0,
    };
    const start = { high: Number(first >> 32n), low: Number(first & LOW_HALF) };
    this.shape = null;
    for (let n = 0; n < count; n += 1) {
      if (!isIndex(entries.indexes, n, start, n) || !isIndex(commitments.indexes, n, start, n)) return null;
      cursor.leaf = cursor.leafEnd;
      cursor.leafEnd += entries.leafLengths.readInt32BE(n * INT_BYTES);
      if (isIndex(openings.indexes, cursor.opening, start, n)) {
        if (!this.isAsSealed(n, cursor, block)) return null;
        this.sealer.hashInto(hashes, n * HASH_BYTES);
      } else if (erased.has(first + BigInt(n))) {
        hashes.set(hashLeaf(entries.leaves.subarray(cursor.leaf, cursor.leafEnd)), n * HASH_BYTES);
      } else return null;
    }
    const isAll = cursor.opening * INDEX_BYTES === openings.indexes.length;
    return isAll && Buffer.compare(hashes, entries.leafHashes) === 0 ? hashes : null;
  }

  private isAsSealed(n: number, cursor: Cursor, { entries, commitments, openings }: BlockColumns): boolean {
    cursor.sample = cursor.sampleEnd;
    cursor.sampleEnd += openings.sampleLengths.readInt32BE(cursor.opening * INT_BYTES);
    cursor.content = cursor.contentEnd;
    cursor.contentEnd += openings.contentLengths.readInt32BE(cursor.opening * INT_BYTES);
    const { contents, salts } = openings;
    if (!this.saysItsColumns(n, cursor, commitments, openings)) return false;
    this.sealer.seal(contents, cursor.content, cursor.contentEnd, salts, cursor.opening * SALT_BYTES);
    cursor.opening += 1;
    const { leaf } = this.sealer;
    return entries.leaves.compare(leaf, 0, leaf.length, cursor.leaf, cursor.leafEnd) === 0;
  }

  /** Whether the content is what the columns make of it. */
  private saysItsColumns(
    n: number,
    { sample, sampleEnd, content, contentEnd }: Cursor,
    { requestIds, positions }: CommitmentColumns,
    { samples, contents }: OpeningColumns,
  ): boolean {
    const [id, idEnd] = [n * UUID_BYTES, (n + 1) * UUID_BYTES];
    if (this.shape?.request.compare(requestIds, id, idEnd) !== 0) {
      const text = contents.toString('utf8', content, contentEnd);
      this.shape = shapeOf(requestIds.subarray(id, idEnd), text, this.check);
      if (!this.shape) return false;
      this.shapeEnd = this.expected.write(this.shape.beforePosition, 'utf8');
    }
    const { beforeSample, afterSample } = this.shape;
    const name = JSON.stringify(samples.toString('utf8', sample, sampleEnd));
    const rest = `${positions.readInt32BE(n * INT_BYTES)}${beforeSample}${name}${afterSample}`;
    const end = this.shapeEnd + this.expected.write(rest, this.shapeEnd, 'utf8');
    return contents.compare(this.expected, 0, end, content, contentEnd) === 0;
  }
}

/** Whether row `row` has the index `start` + `n`; two halves, because a bigint for each row would cost the most here. */
function isIndex(indexes: Buffer, row: number, start: { high: number; low: number }, n: number): boolean {
  if ((row + 1) * INDEX_BYTES > indexes.length) return false;
  const low = start.low + n;
  const high = start.high + (low > 0xffff_ffff ? 1 : 0);
  return (
    indexes.readInt32BE(row * INDEX_BYTES) === high &&
    indexes.readUInt32BE(row * INDEX_BYTES + INT_BYTES) === low >>> 0
  );
}

/** The shape of a request's contents, taken from its first one; null where that is no content of this request. */
function shapeOf(request: Buffer, text: string, check: RequestCheck): ContentShape | null {
  const content = parsedContent(text);
  if (!content || !check(uuidText(request), content)) return null;
  try {
    return { request, ...contentTemplate(content as JsonObject) };
  } catch (error) {
    if (error instanceof TlogError) return null;
    throw error;
  }
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
