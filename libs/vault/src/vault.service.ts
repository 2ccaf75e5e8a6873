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
  type ByteRange,
  type ItemContent,
  type Place,
  type SealedUnderKey,
  type SegmentKey,
  type SegmentPlaces,
  VaultRepository,
} from './vault.repository.js';

/** A segment of which fewer than one in so many bytes is wanted is read in parts. */
const WHOLE_FROM_SHARE = 8;
/** Single samples of one query: each brings a page of keys. */
const ITEMS_A_QUERY = 1024;
/** PostgreSQL keeps no larger field; a place beyond it was edited. */
const MAX_SEGMENT_BYTES = 2 ** 30;
/** Segment keys wrapped again in one transaction. */
const REWRAP_BATCH = 500;

/** What a sample's place in the answer holds: its payload, null where the vault has none, or why it does not open. */
export type StoredPayload = Uint8Array | VaultError | null;

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
    if (sampleIds.length === 0) return payloads;
    const single: { segmentId: string; place: Place }[] = [];
    for (const { segmentId, places } of await this.vault.places(modelId, sampleIds)) {
      if (isWorthWhole(places)) await this.readWhole(segmentId, places, sampleIds, payloads);
      else single.push(...places.map((place) => ({ segmentId, place })));
    }
    for (let from = 0; from < single.length; from += ITEMS_A_QUERY) {
      const items = await this.vault.items(single.slice(from, from + ITEMS_A_QUERY));
      this.openItems(items, sampleIds, payloads);
    }
    return payloads;
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

  private async readWhole(
    segmentId: string,
    places: readonly Place[],
    sampleIds: readonly string[],
    payloads: StoredPayload[],
  ): Promise<void> {
    const range = rangeOf(places);
    const content = await this.vault.segment(segmentId, this.vault.db, range);
    const reader = content && this.readerOf(content, (page) => pageIn(content.dataKeys, page));
    for (const { position, slot, start, length } of places) {
      const sealed = content?.ciphertexts.subarray(start - range.start, start - range.start + length);
      payloads[position] = reader && sealed ? reader.open(slot, sampleIds[position]!, sealed) : brokenItem();
    }
  }

  private openItems(
    items: readonly ItemContent[],
    sampleIds: readonly string[],
    payloads: StoredPayload[],
  ): void {
    for (const item of items) {
      const reader = this.readerOf(item, () => item.page);
      payloads[item.position] = reader
        ? reader.open(item.slot, sampleIds[item.position]!, item.ciphertext)
        : brokenItem();
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

const pageIn = (dataKeys: Uint8Array, page: number): Uint8Array =>
  dataKeys.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);

/** From the first to the last of the places, whatever order somebody gave them. */
function rangeOf(places: SegmentPlaces['places']): ByteRange {
  let range: ByteRange = { start: MAX_SEGMENT_BYTES, end: 0 };
  for (const { start, length } of places)
    range = {
      start: Math.min(range.start, start),
      end: Math.min(MAX_SEGMENT_BYTES, Math.max(range.end, start + length)),
    };
  return range;
}

/** Reading the whole segment costs its bytes, single samples cost a page of keys each and a row. */
function isWorthWhole(places: SegmentPlaces['places']): boolean {
  const last = places.at(-1)!;
  // A segment is filled from the front: the last wanted byte is a lower bound of its size.
  const leastBytes = last.start + last.length;
  const wantedBytes = places.reduce((sum, { length }) => sum + length + PAGE_BYTES, 0);
  return wantedBytes * WHOLE_FROM_SHARE >= leastBytes;
}
