import { describe, expect, it } from 'vitest';
import { bytesOf, isPlausible, partsOf, slicesOf } from './slices.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Places of these lengths, one after the other, each so many bytes behind the one before. */
function placed(lengths: readonly number[], gap = 0) {
  let end = -gap;
  return lengths.map((length, slot) => {
    const start = end + gap;
    end = start + length;
    return { slot, start, length };
  });
}

const slotsOf = (slices: ReturnType<typeof slicesOf>) =>
  slices.map(({ places }) => places.map(({ slot }) => slot));

describe('slices of a segment', () => {
  it('hold every place whole, and together no more than the places', () => {
    const places = placed(Array.from({ length: 4096 }, (_, i) => 16 + ((i * 7919) % 3000)));
    const slices = slicesOf(places);
    expect(slices.flatMap((slice) => slice.places)).toEqual(places);
    for (const { start, end, places: own } of slices) {
      expect(end - start).toBeLessThanOrEqual(128 * KIB);
      for (const place of own) {
        expect(place.start).toBeGreaterThanOrEqual(start);
        expect(place.start + place.length).toBeLessThanOrEqual(end);
      }
    }
    expect(bytesOf(slices)).toBe(places.reduce((sum, { length }) => sum + length, 0));
  });

  it('read over a small gap, not over a large one', () => {
    expect(slotsOf(slicesOf(placed([100, 100, 100], 4 * KIB)))).toEqual([[0, 1, 2]]);
    expect(slotsOf(slicesOf(placed([100, 100, 100], 4 * KIB + 1)))).toEqual([[0], [1], [2]]);
  });

  it('are as large as the largest payload where they must', () => {
    const [slice] = slicesOf(placed([16 * MIB]));
    expect(slice).toMatchObject({ start: 0, end: 16 * MIB });
  });

  it('hold places that were edited to lie over each other', () => {
    const places = [
      { slot: 0, start: 50, length: 100 },
      { slot: 1, start: 0, length: 100 },
      { slot: 2, start: 90, length: 100 },
    ];
    expect(slotsOf(slicesOf(places))).toEqual([[0], [1], [2]]);
  });

  it('are not made of places beyond every segment', () => {
    expect(isPlausible({ slot: 0, start: 2 ** 30 - 16, length: 16 })).toBe(true);
    expect(isPlausible({ slot: 0, start: 2 ** 30 - 16, length: 17 })).toBe(false);
    expect(isPlausible({ slot: 0, start: 2 ** 31 - 1, length: 16 })).toBe(false);
  });
});

describe('parts', () => {
  it('hold all slices in order, none much larger than asked for', () => {
    const slices = slicesOf(placed(Array<number>(4096).fill(3100)));
    const parts = partsOf(slices, 4 * MIB);
    expect(parts.flat()).toEqual(slices);
    expect(parts).toHaveLength(4);
    for (const part of parts) expect(bytesOf(part)).toBeLessThanOrEqual(4 * MIB);
  });

  it('are of one slice where that is larger than asked for', () => {
    expect(partsOf(slicesOf(placed([16 * MIB, 16 * MIB, 10])), 4 * MIB)).toHaveLength(3);
  });

  it('are none of no slices', () => {
    expect(partsOf([], MIB)).toEqual([]);
  });
});
