/**
 * A segment: up to 4,096 payloads stored together. Each lies under a data key of its own; the data keys lie in pages of 64,
 * sealed under the segment's key, which the key-encryption key wraps. So a rotation touches one small field a segment, a
 * whole block opens with few reads, a single sample with one page, and erasing a sample destroys its key in one page.
 *
 *   key-encryption key -> segment key -> pages of 64 data keys -> payloads
 *
 * Proven by segment.spec.ts.
 */
import { createHash, randomBytes } from 'node:crypto';
import { VaultError } from './errors.js';
import type { VaultKey } from './key-ring.js';
import { BOX_OVERHEAD_BYTES, openBox, openPayload, sealBox, sealPayload } from './seal.js';

/** One block of leaves, so that a block that was stored together is read together. */
export const SEGMENT_WIDTH = 4096;
/** Data keys in one box: fewer cost more boxes for a whole segment, more cost more bytes for one sample. */
export const PAGE_KEYS = 64;
const DATA_KEY_BYTES = 32;
export const PAGE_BYTES = PAGE_KEYS * DATA_KEY_BYTES + BOX_OVERHEAD_BYTES;
/** Held in memory several times over while it is read; larger samples belong with the customer. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;
const SAMPLE_ID_MAX_BYTES = 1024;

/** Where a segment is: part of every context, so that nothing can be moved between segments or models. */
export interface SegmentName {
  readonly segmentId: string;
  readonly modelId: string;
}

export interface Sample {
  readonly sampleId: string;
  readonly payload: Uint8Array;
}

/** Where the sealed payload of one sample lies in its segment. */
export interface SealedItem {
  readonly sampleId: string;
  readonly slot: number;
  /** Byte of the first one in {@link SealedSegment.ciphertexts}. */
  readonly start: number;
  readonly length: number;
}

export interface SealedSegment extends SegmentName {
  readonly items: readonly SealedItem[];
  readonly keyId: string;
  readonly wrappedKey: Uint8Array;
  /** Pages of data keys, {@link PAGE_BYTES} each. */
  readonly dataKeys: Uint8Array;
  readonly ciphertexts: Uint8Array;
  /** SHA-256 of each ciphertext, in order of slots; of no use to anybody once the data key is gone. */
  readonly itemDigests: Uint8Array;
  /** SHA-256 of `itemDigests`: what the event log binds. */
  readonly digest: Uint8Array;
}

const wrapContext = ({ segmentId, modelId }: SegmentName) =>
  `lacuna vault v1 segment key ${modelId} ${segmentId}`;
const pageContext = ({ segmentId, modelId }: SegmentName, page: number) =>
  `lacuna vault v1 data keys ${modelId} ${segmentId} ${page}`;

/** @throws VaultError VAULT_PAYLOAD_TOO_LARGE with details.position */
export function sealSegment(
  name: SegmentName,
  samples: readonly Sample[],
  wrapping: VaultKey,
): SealedSegment {
  const segmentKey = randomBytes(DATA_KEY_BYTES);
  const plainKeys = randomBytes(samples.length * DATA_KEY_BYTES);
  const context = new PayloadContext(name);
  const itemDigests = Buffer.alloc(samples.length * 32);
  const ciphertexts: Uint8Array[] = [];
  const items: SealedItem[] = [];
  let start = 0;
  for (const [slot, { sampleId, payload }] of samples.entries()) {
    if (payload.length > MAX_PAYLOAD_BYTES) throw tooLarge(slot);
    const sealed = sealPayload(dataKeyAt(plainKeys, slot), context.of(slot, sampleId), payload);
    itemDigests.set(createHash('sha256').update(sealed).digest(), slot * 32);
    items.push({ sampleId, slot, start, length: sealed.length });
    ciphertexts.push(sealed);
    start += sealed.length;
  }
  return {
    ...name,
    items,
    keyId: wrapping.keyId,
    wrappedKey: wrapSegmentKey(name, segmentKey, wrapping),
    dataKeys: sealPages(name, segmentKey, plainKeys),
    ciphertexts: Buffer.concat(ciphertexts),
    itemDigests,
    digest: createHash('sha256').update(itemDigests).digest(),
  };
}

export function wrapSegmentKey(name: SegmentName, segmentKey: Uint8Array, wrapping: VaultKey): Uint8Array {
  return sealBox(wrapping.key, wrapContext(name), segmentKey);
}

/** The segment's key, or null where the wrapped one was changed or belongs elsewhere. */
export function unwrapSegmentKey(
  name: SegmentName,
  wrapped: Uint8Array,
  wrapping: VaultKey,
): Uint8Array | null {
  return openBox(wrapping.key, wrapContext(name), wrapped);
}

function sealPages(name: SegmentName, segmentKey: Uint8Array, plainKeys: Uint8Array): Uint8Array {
  const pages: Uint8Array[] = [];
  const pageBytes = PAGE_KEYS * DATA_KEY_BYTES;
  for (let page = 0; page * pageBytes < plainKeys.length; page += 1) {
    const plain = new Uint8Array(pageBytes);
    plain.set(plainKeys.subarray(page * pageBytes, (page + 1) * pageBytes));
    pages.push(sealBox(segmentKey, pageContext(name, page), plain));
  }
  return Buffer.concat(pages);
}

export const pageOf = (slot: number): number => Math.floor(slot / PAGE_KEYS);

/** Opens the pages of one segment at most once each. */
export class DataKeys {
  private readonly opened = new Map<number, Uint8Array | null>();

  /** @param pageAt the sealed page of that number */
  constructor(
    private readonly name: SegmentName,
    private readonly segmentKey: Uint8Array,
    private readonly pageAt: (page: number) => Uint8Array,
  ) {}

  /** The data key of a slot; all zero where it was destroyed, null where its page does not open. */
  at(slot: number): Uint8Array | null {
    const page = pageOf(slot);
    let plain = this.opened.get(page);
    if (plain === undefined) {
      plain = openBox(this.segmentKey, pageContext(this.name, page), this.pageAt(page));
      this.opened.set(page, plain);
    }
    return plain && dataKeyAt(plain, slot % PAGE_KEYS);
  }

  /**
   * The pages of `slots` sealed again with those keys destroyed, by number of page. A page that does not open is replaced
   * whole: nobody can read it, and what is left of the key must go.
   */
  without(slots: readonly number[]): ReadonlyMap<number, Uint8Array> {
    const pages = new Map<number, Uint8Array>();
    for (const slot of slots) this.at(slot)?.fill(0);
    for (const page of new Set(slots.map(pageOf))) {
      const plain = this.opened.get(page) ?? new Uint8Array(PAGE_KEYS * DATA_KEY_BYTES);
      pages.set(page, sealBox(this.segmentKey, pageContext(this.name, page), plain));
    }
    return pages;
  }
}

/** Opens payloads of one segment. */
export class SegmentReader {
  private readonly context: PayloadContext;

  constructor(
    name: SegmentName,
    private readonly keys: DataKeys,
  ) {
    this.context = new PayloadContext(name);
  }

  /** The payload, null where it was erased, or an error where it does not open. */
  open(slot: number, sampleId: string, sealed: Uint8Array): Uint8Array | VaultError | null {
    const key = this.keys.at(slot);
    if (key && isDestroyed(key)) return null;
    const payload = key && openPayload(key, this.context.of(slot, sampleId), sealed);
    return payload ?? brokenItem();
  }
}

export function brokenItem(): VaultError {
  return new VaultError(
    'VAULT_ITEM_BROKEN',
    'a stored sample does not open: it, its key or its place was changed; store the sample again after erasing it',
  );
}

/** Model, segment, slot and sample as bytes, in one buffer that is written over for each payload. */
class PayloadContext {
  private readonly bytes: Buffer;
  private readonly prefix: number;

  constructor({ segmentId, modelId }: SegmentName) {
    const head = Buffer.from(`lacuna vault v1 payload ${modelId} ${segmentId} `, 'ascii');
    this.prefix = head.length;
    this.bytes = Buffer.alloc(head.length + 4 + SAMPLE_ID_MAX_BYTES);
    this.bytes.set(head);
  }

  /** Valid until the next call. */
  of(slot: number, sampleId: string): Uint8Array {
    this.bytes.writeUInt32BE(slot, this.prefix);
    const length = this.bytes.write(sampleId, this.prefix + 4, 'utf8');
    return this.bytes.subarray(0, this.prefix + 4 + length);
  }
}

const dataKeyAt = (keys: Uint8Array, slot: number): Uint8Array =>
  keys.subarray(slot * DATA_KEY_BYTES, (slot + 1) * DATA_KEY_BYTES);

/** A random key is all zero once in 2^256. */
const isDestroyed = (key: Uint8Array): boolean => key[0] === 0 && key.every((byte) => byte === 0);

function tooLarge(position: number): VaultError {
  return new VaultError(
    'VAULT_PAYLOAD_TOO_LARGE',
    `a sample has more than ${MAX_PAYLOAD_BYTES} bytes; keep it yourself and store a reference`,
    { details: { position, maxBytes: MAX_PAYLOAD_BYTES } },
  );
}
