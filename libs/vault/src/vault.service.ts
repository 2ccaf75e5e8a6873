/**
 * Sample payloads: stored sealed, read in blocks, erased for good. What a payload means is the business of others.
 * Proven by test/medium/vault.spec.ts.
 */
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Tx } from '@app/persistence';
import type { VaultError } from './errors.js';
import { VaultKeyRing } from './key-ring.js';
import {
  brokenItem,
  DataKeys,
  PAGE_BYTES,
  type Sample,
  type SealedSegment,
  type SegmentName,
  sealSegment,
  SegmentReader,
  unwrapSegmentKey,
  wrapSegmentKey,
} from './segment.js';
import {
  type ItemContent,
  type Place,
  type SealedUnderKey,
  type SegmentKey,
  type SegmentPlaces,
  VaultRepository,
} from './vault.repository.js';
import { bytesOf, isPlausible, partsOf, type Slice, slicesOf } from './slices.js';

/** Of a segment of which fewer than one in so many bytes is wanted, samples are read one by one. */
const SLICES_FROM_SHARE = 8;
/** Payload bytes that are read at once: more waste the caches of the processor and hold memory, fewer cost more statements. */
const PART_BYTES = 4 * 1024 * 1024;
/** Single samples of one query: each brings a page of keys. */
const ITEMS_A_QUERY = 1024;
/** Segment keys wrapped again in one transaction. */
const REWRAP_BATCH = 500;

/** What a sample's place in the answer holds: its payload, null where the vault has none, or why it does not open. */
export type StoredPayload = Uint8Array | VaultError | null;

/** Some of the samples that were asked for. */
export interface StoredPart {
  /** Of each, its place in the question. */
  readonly positions: readonly number[];
  readonly payloads: readonly StoredPayload[];
}

export interface VaultStatus {
  /** Keys of the key file and keys that wrap anything; the active one first. */
  readonly keys: readonly (SealedUnderKey & { readonly active: boolean; readonly known: boolean })[];
}

@Injectable()
export class VaultService {
  constructor(
    private readonly vault: VaultRepository,
    private readonly ring: VaultKeyRing,
  ) {}

  /**
   * Seals samples of one model under the active key; nothing is stored yet.
   * @param samples 1 to 4,096, each named once
   * @throws VaultError VAULT_KEY_UNUSABLE, VAULT_PAYLOAD_TOO_LARGE
   */
  seal(modelId: string, samples: readonly Sample[]): SealedSegment {
    return sealSegment({ modelId, segmentId: randomUUID() }, samples, this.ring.active());
  }

  /** Keeps a sealed segment; a sample that is stored already breaks the constraint `vault_item_pkey`. */
  insert(tx: Tx, sealed: SealedSegment, fact: { storedAt: Date; eventIndex: bigint }): Promise<void> {
    return this.vault.insert(tx, sealed, fact);
  }

  /**
   * Reads payloads in the order of `sampleIds`. A sample that was tampered with costs no other one.
   * @throws VaultError VAULT_KEY_MISSING (retryable), VAULT_KEY_UNUSABLE: nothing of the segment can be read for now
   */
  async read(modelId: string, sampleIds: readonly string[]): Promise<StoredPayload[]> {
    const payloads: StoredPayload[] = new Array<StoredPayload>(sampleIds.length).fill(null);
    for await (const part of this.parts(modelId, sampleIds))
      part.positions.forEach((position, at) => (payloads[position] = part.payloads[at]!));
    return payloads;
  }

  /**
   * As {@link read}, a part after the other in the order of storage, so that few are in memory at once. Samples that the vault does
   * not have are in the last one.
   */
  async *parts(modelId: string, sampleIds: readonly string[]): AsyncGenerator<StoredPart> {
    if (sampleIds.length === 0) return;
    const segments = await this.vault.places(modelId, sampleIds);
    const owed = new Set(sampleIds.keys());
    let part = new Part(owed);
    for (const reading of this.readings(segments, sampleIds)) {
      if (part.bytes > 0 && part.bytes + reading.bytes > PART_BYTES) {
        yield part;
        part = new Part(owed);
      }
      part.bytes += reading.bytes;
      await reading.into(part);
    }
    const misplaced = segments.flatMap(({ places }) => places.filter((place) => !isPlausible(place)));
    for (const { position } of misplaced) part.add(position, brokenItem());
    for (const position of owed) part.add(position, null);
    yield part;
  }

  /** Which of `sampleIds` the vault holds, in their order. */
  async has(modelId: string, sampleIds: readonly string[]): Promise<boolean[]> {
    const held = new Array<boolean>(sampleIds.length).fill(false);
    for (const { places } of await this.vault.places(modelId, sampleIds))
      for (const { position } of places) held[position] = true;
    return held;
  }

  /**
   * Destroys the payloads and data keys of samples; those that are not stored are passed over. Samples of other models and
   * under other ids are untouched.
   * @returns how many were destroyed
   * @throws VaultError VAULT_KEY_MISSING: the data keys cannot be destroyed without it
   */
  async erase(tx: Tx, modelId: string, sampleIds: readonly string[]): Promise<number> {
    const wanted = await this.vault.places(modelId, sampleIds, tx);
    // One order for everybody: two erasures of the same segments wait for each other instead of for ever.
    wanted.sort((one, other) => (one.segmentId < other.segmentId ? -1 : 1));
    let erased = 0;
    for (const { segmentId, places } of wanted) {
      const ids = places.map(({ position }) => sampleIds[position]!);
      erased += await this.eraseFrom(tx, { modelId, segmentId }, ids);
    }
    return erased;
  }

  /**
   * Wraps every segment's key under the active key; can be interrupted and run again, also while samples are stored.
   * @returns how many were wrapped again
   * @throws VaultError VAULT_KEY_MISSING, VAULT_ITEM_BROKEN: a segment's key does not open; those before it are done
   */
  async rotate(onProgress: (done: number) => void = () => undefined): Promise<number> {
    const active = this.ring.active();
    for (let done = 0; ;) {
      const some = await this.vault.transaction(async (tx) => {
        const old = await this.vault.keysNotUnder(tx, active.keyId, REWRAP_BATCH);
        for (const key of old) {
          const segmentKey = this.unwrap(key);
          if (!segmentKey) throw brokenItem();
          const wrappedKey = wrapSegmentKey(key, segmentKey, active);
          await this.vault.rewrap(tx, { segmentId: key.segmentId, keyId: active.keyId, wrappedKey });
        }
        return old.length;
      });
      if (some === 0) return done;
      done += some;
      onProgress(done);
    }
  }

  /** How many segments lie under another key than the active one. @throws VaultError VAULT_KEY_MISSING, VAULT_KEY_UNUSABLE */
  async countToRotate(): Promise<number> {
    const active = this.ring.active();
    const others = (await this.vault.underKeys()).filter(({ keyId }) => keyId !== active.keyId);
    for (const { keyId } of others) this.ring.find(keyId);
    return others.reduce((sum, { segments }) => sum + segments, 0);
  }

  /** Which keys there are and what each of them keeps. @throws VaultError VAULT_KEY_UNUSABLE */
  async status(): Promise<VaultStatus> {
    const used = await this.vault.underKeys();
    const known = this.ring.all().map(({ keyId }) => keyId);
    const all = [...new Set([...known, ...used.map(({ keyId }) => keyId)])];
    const nothing = { segments: 0, samples: 0, bytes: 0n };
    return {
      keys: all.map((keyId) => ({
        ...(used.find((one) => one.keyId === keyId) ?? { keyId, ...nothing }),
        active: keyId === known[0],
        known: known.includes(keyId),
      })),
    };
  }

  /** What is asked of the database, one after the other; of places that were edited beyond every segment nothing. */
  private *readings(
    segments: readonly SegmentPlaces[],
    sampleIds: readonly string[],
  ): Generator<{ readonly bytes: number; into(part: Part): Promise<void> }> {
    const single: { segmentId: string; place: Place }[] = [];
    for (const { segmentId, places } of segments) {
      const plausible = places.filter(isPlausible);
      if (plausible.length === 0) continue;
      if (!isWorthSlices(plausible)) single.push(...plausible.map((place) => ({ segmentId, place })));
      else
        for (const slices of partsOf(slicesOf(plausible), PART_BYTES))
          yield {
            bytes: bytesOf(slices),
            into: (part) => this.readSlices(segmentId, slices, sampleIds, part),
          };
    }
    for (const items of itemParts(single))
      yield {
        bytes: items.reduce((sum, { place }) => sum + place.length, 0),
        into: async (part) => this.openItems(await this.vault.items(items), sampleIds, part),
      };
  }

  private readSlices(
    segmentId: string,
    slices: readonly Slice<Place>[],
    sampleIds: readonly string[],
    part: Part,
  ): Promise<void> {
    return this.vault.slices(segmentId, slices, (content) => {
      const reader =
        content && this.readerOf(content, (page) => pageIn(content.dataKeys, page - content.firstPage));
      for (const [at, { start, places }] of slices.entries()) {
        const bytes = content?.slice(at);
        for (const place of places) {
          const sealed = bytes?.subarray(place.start - start, place.start - start + place.length);
          const opened =
            reader && sealed ? reader.open(place.slot, sampleIds[place.position]!, sealed) : brokenItem();
          part.add(place.position, opened);
        }
      }
    });
  }

  private openItems(items: readonly ItemContent[], sampleIds: readonly string[], part: Part): void {
    for (const item of items) {
      const reader = this.readerOf(item, () => item.page);
      const opened = reader
        ? reader.open(item.slot, sampleIds[item.position]!, item.ciphertext)
        : brokenItem();
      part.add(item.position, opened);
    }
  }

  private async eraseFrom(tx: Tx, name: SegmentName, sampleIds: readonly string[]): Promise<number> {
    const { modelId, segmentId } = name;
    const content = await this.vault.lockedSegment(tx, segmentId);
    if (!content) return 0;
    // Only now: somebody else may have erased some of them before the lock was ours.
    const places = await this.vault.removeItems(tx, modelId, segmentId, sampleIds);
    if (places.length === 0) return 0;
    const dataKeys = Buffer.from(content.dataKeys);
    const segmentKey = this.unwrap(content);
    const pages = segmentKey
      ? new DataKeys(name, segmentKey, (page) => pageIn(content.dataKeys, page)).without(
          places.map(({ slot }) => slot),
        )
      : new Map<number, Uint8Array>();
    for (const [page, sealed] of pages) dataKeys.set(sealed, page * PAGE_BYTES);
    const ciphertexts = Buffer.from(content.ciphertexts);
    for (const { start, length } of places) ciphertexts.fill(0, start, start + length);
    await this.vault.replaceContent(tx, segmentId, { dataKeys, ciphertexts, erased: places.length });
    return places.length;
  }

  private readerOf(key: SegmentKey, pageAt: (page: number) => Uint8Array): SegmentReader | null {
    const segmentKey = this.unwrap(key);
    return segmentKey && new SegmentReader(key, new DataKeys(key, segmentKey, pageAt));
  }

  /** @throws VaultError VAULT_KEY_MISSING */
  private unwrap(key: SegmentKey): Uint8Array | null {
    return unwrapSegmentKey(key, key.wrappedKey, this.ring.find(key.keyId));
  }
}

class Part implements StoredPart {
  readonly positions: number[] = [];
  readonly payloads: StoredPayload[] = [];
  /** Of what was read for it. */
  bytes = 0;

  /** @param owed positions that no part has yet */
  constructor(private readonly owed: Set<number>) {}

  add(position: number, payload: StoredPayload): void {
    this.owed.delete(position);
    this.positions.push(position);
    this.payloads.push(payload);
  }
}

const pageIn = (dataKeys: Uint8Array, page: number): Uint8Array =>
  dataKeys.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);

/** Samples that are read one by one, as many in a query as it may have. */
function itemParts<T extends { readonly place: Place }>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  let room = 0;
  for (const item of items) {
    const part = parts.at(-1);
    room -= item.place.length;
    if (part && room >= 0 && part.length < ITEMS_A_QUERY) part.push(item);
    else {
      parts.push([item]);
      room = PART_BYTES - item.place.length;
    }
  }
  return parts;
}

/** Reading slices of a segment costs their bytes, single samples cost a page of keys each and a row. */
function isWorthSlices(places: SegmentPlaces['places']): boolean {
  const last = places.at(-1)!;
  // A segment is filled from the front: the last wanted byte is a lower bound of its size.
  const leastBytes = last.start + last.length;
  const wantedBytes = places.reduce((sum, { length }) => sum + length + PAGE_BYTES, 0);
  return wantedBytes * SLICES_FROM_SHARE >= leastBytes;
}
