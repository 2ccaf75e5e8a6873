/**
 * Which bytes of a segment are read for some of its samples: slices small enough that neither PostgreSQL nor the worker ever
 * holds megabytes of one value, put together to parts. Pure; proven by slices.spec.ts.
 */

/** Where the sealed payload of one sample lies in its segment. */
export interface StoredPlace {
  readonly slot: number;
  readonly start: number;
  readonly length: number;
}

/** Bytes `[start, end)` of a segment's ciphertexts, and whose they are. */
export interface Slice<T extends StoredPlace = StoredPlace> {
  readonly start: number;
  readonly end: number;
  readonly places: readonly T[];
}

/** Of one slice: what PostgreSQL copies several times stays in the processor's cache; a smaller one costs a row for less. */
const SLICE_BYTES = 128 * 1024;
/** Between two samples of a slice: reading so much in vain costs less than another row. */
const GAP_BYTES = 4 * 1024;
/** PostgreSQL keeps no larger field. */
const MAX_SEGMENT_BYTES = 2 ** 30;

/** Whether a segment can reach as far; a place beyond was edited. */
export const isPlausible = ({ start, length }: StoredPlace): boolean => start + length <= MAX_SEGMENT_BYTES;

/** Returns slices that hold all places, each whole in one of them. */
export function slicesOf<T extends StoredPlace>(places: readonly T[]): Slice<T>[] {
  const slices: { start: number; end: number; places: T[] }[] = [];
  for (const place of places) {
    const { start } = place;
    const end = start + place.length;
    const last = slices.at(-1);
    const joins =
      last && start >= last.end && start - last.end <= GAP_BYTES && end - last.start <= SLICE_BYTES;
    if (joins) {
      last.end = end;
      last.places.push(place);
    } else slices.push({ start, end, places: [place] });
  }
  return slices;
}

/** Slices in order, in as few parts of about the same size as have `largest` bytes each; a larger slice is one by itself. */
export function partsOf<T extends StoredPlace>(slices: readonly Slice<T>[], largest: number): Slice<T>[][] {
  const total = bytesOf(slices);
  const share = total / Math.ceil(total / largest);
  const parts: Slice<T>[][] = [];
  let taken = 0;
  for (const slice of slices) {
    const part = Math.floor(taken / share);
    (parts[part] ??= []).push(slice);
    taken += slice.end - slice.start;
  }
  return parts.filter((part) => part);
}

export const bytesOf = (slices: readonly Slice[]): number =>
  slices.reduce((sum, { start, end }) => sum + end - start, 0);
