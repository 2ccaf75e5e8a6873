import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { VaultError } from './errors.js';
import { newVaultKeyText, parseVaultKeys } from './key-ring.js';
import { openBox, openPayload, sealBox, sealPayload } from './seal.js';
import {
  DataKeys,
  MAX_PAYLOAD_BYTES,
  PAGE_BYTES,
  type SealedSegment,
  type SegmentName,
  SegmentReader,
  sealSegment,
  unwrapSegmentKey,
} from './segment.js';

const name: SegmentName = { segmentId: 'segment-1', modelId: 'model-1' };
const wrapping = parseVaultKeys(newVaultKeyText())[0]!;
const samples = Array.from({ length: 130 }, (_, i) => ({
  sampleId: `sample-${i}-Ä`,
  payload: Buffer.from(`payload ${i}`.repeat((i % 5) + 1)),
}));

const pageIn = (sealed: SealedSegment) => (page: number) =>
  sealed.dataKeys.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);

function readerOf(sealed: SealedSegment, as: SegmentName = name): SegmentReader | null {
  const segmentKey = unwrapSegmentKey(as, sealed.wrappedKey, wrapping);
  return segmentKey && new SegmentReader(as, new DataKeys(as, segmentKey, pageIn(sealed)));
}

function openAll(sealed: SealedSegment, change: (bytes: Buffer) => void = () => undefined) {
  const bytes = Buffer.from(sealed.ciphertexts);
  change(bytes);
  const reader = readerOf(sealed)!;
  return sealed.items.map(({ slot, sampleId, start, length }) =>
    reader.open(slot, sampleId, bytes.subarray(start, start + length)),
  );
}

describe('a segment', () => {
  const sealed = sealSegment(name, samples, wrapping);

  it('opens to what was sealed, the empty payload too', () => {
    expect(openAll(sealed)).toEqual(samples.map(({ payload }) => payload));
    const empty = sealSegment(name, [{ sampleId: 'a', payload: new Uint8Array() }], wrapping);
    expect(openAll(empty)).toEqual([Buffer.alloc(0)]);
  });

  it('shows nothing of its payloads, and no two seals of one payload are alike', () => {
    expect(Buffer.from(sealed.ciphertexts).includes('payload')).toBe(false);
    const again = sealSegment(name, samples, wrapping);
    expect(again.ciphertexts).not.toEqual(sealed.ciphertexts);
    expect(again.digest).not.toEqual(sealed.digest);
  });

  it.each([0, 1, 63, 64, 129])('loses only sample %i when a bit of its ciphertext flips', (slot) => {
    const opened = openAll(sealed, (bytes) => {
      const { start, length } = sealed.items[slot]!;
      bytes[start + Math.floor(length / 2)]! ^= 1;
    });
    expect(opened.flatMap((one, at) => (one instanceof VaultError ? [at] : []))).toEqual([slot]);
    expect(opened[slot]).toMatchObject({ code: 'VAULT_ITEM_BROKEN' });
  });

  it('does not open a payload in another slot or for another sample', () => {
    const reader = readerOf(sealed)!;
    const { start, length } = sealed.items[5]!;
    const bytes = sealed.ciphertexts.subarray(start, start + length);
    expect(reader.open(5, 'sample-5-Ä', bytes)).toEqual(samples[5]!.payload);
    expect(reader.open(6, 'sample-5-Ä', bytes)).toMatchObject({ code: 'VAULT_ITEM_BROKEN' });
    expect(reader.open(5, 'sample-6-Ä', bytes)).toMatchObject({ code: 'VAULT_ITEM_BROKEN' });
    expect(reader.open(5, 'sample-5-Ä', bytes.subarray(0, 3))).toMatchObject({ code: 'VAULT_ITEM_BROKEN' });
  });

  it('does not open under another name, or another key', () => {
    expect(readerOf(sealed, { ...name, modelId: 'model-2' })).toBeNull();
    expect(readerOf(sealed, { ...name, segmentId: 'segment-2' })).toBeNull();
    const other = parseVaultKeys(newVaultKeyText())[0]!;
    expect(unwrapSegmentKey(name, sealed.wrappedKey, other)).toBeNull();
  });

  it('loses a page of samples when the page is changed or another one stands in its place', () => {
    for (const from of [1, 2]) {
      const dataKeys = Buffer.from(sealed.dataKeys);
      if (from === 1) dataKeys[PAGE_BYTES + 40]! ^= 1;
      else dataKeys.copyWithin(PAGE_BYTES, 0, PAGE_BYTES);
      const opened = openAll({ ...sealed, dataKeys });
      expect(opened.flatMap((one, at) => (one instanceof VaultError ? [at] : []))).toEqual(
        Array.from({ length: 64 }, (_, at) => 64 + at),
      );
    }
  });

  it('without a data key has neither payload nor error there', () => {
    const segmentKey = unwrapSegmentKey(name, sealed.wrappedKey, wrapping)!;
    const pages = new DataKeys(name, segmentKey, pageIn(sealed)).without([3, 70, 71]);
    expect([...pages.keys()]).toEqual([0, 1]);
    const dataKeys = Buffer.from(sealed.dataKeys);
    for (const [page, bytes] of pages) dataKeys.set(bytes, page * PAGE_BYTES);
    const opened = openAll({ ...sealed, dataKeys });
    expect(opened.flatMap((one, at) => (one === null ? [at] : []))).toEqual([3, 70, 71]);
    expect(opened[4]).toEqual(samples[4]!.payload);
  });

  it('takes no payload beyond the limit, and says which', () => {
    const large = [samples[0]!, { sampleId: 'b', payload: Buffer.alloc(MAX_PAYLOAD_BYTES + 1) }];
    expect(() => sealSegment(name, large, wrapping)).toThrowError(
      expect.objectContaining({
        code: 'VAULT_PAYLOAD_TOO_LARGE',
        details: { position: 1, maxBytes: 16777216 },
      }),
    );
  });
});

describe('AES-256-GCM', () => {
  const key = randomBytes(32);

  it('refuses a box with any bit flipped, cut off, or in another context', () => {
    const box = sealBox(key, 'here', Buffer.from('content'));
    expect(openBox(key, 'here', box)).toEqual(Buffer.from('content'));
    expect(openBox(key, 'there', box)).toBeNull();
    for (let bit = 0; bit < box.length * 8; bit += 1) {
      const changed = Buffer.from(box);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(openBox(key, 'here', changed)).toBeNull();
    }
    for (let length = 0; length < box.length; length += 1)
      expect(openBox(key, 'here', box.subarray(0, length))).toBeNull();
  });

  it('gives the ciphertext of the specification for an all-zero key and nonce (test case 14)', () => {
    const sealed = sealPayload(new Uint8Array(32), new Uint8Array(), new Uint8Array(16));
    expect(Buffer.from(sealed).toString('hex')).toBe(
      'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
    );
    expect(openPayload(new Uint8Array(32), new Uint8Array(), sealed)).toEqual(Buffer.alloc(16));
  });
});
