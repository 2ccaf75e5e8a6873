/**
 * Entry bundles of C2SP tlog-tiles: the entries under one level-0 tile, each as a big-endian 16-bit length and
 * its bytes. Proven by tile.spec.ts.
 */
import { TlogError } from './errors.js';
import { TILE_WIDTH } from './tile.js';

/** The length is 16 bits; a larger entry has no encoding. */
export const MAX_ENTRY_BYTES = 65_535;
const LENGTH_BYTES = 2;

/** The bundle of 1 to 256 entries in leaf order. @throws TLOG_ENTRY_TOO_LARGE, TLOG_OUT_OF_RANGE */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH) {
    throw new TlogError('TLOG_OUT_OF_RANGE', 'a bundle has 1 to 256 entries');
  }
  const bundle = new Uint8Array(entries.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  let offset = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new TlogError('TLOG_ENTRY_TOO_LARGE', 'an entry has at most 65,535 bytes', {
        details: { entryBytes: entry.length },
      });
    }
    bundle[offset] = entry.length >> 8;
    bundle[offset + 1] = entry.length & 0xff;
    bundle.set(entry, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + entry.length;
  }
  return bundle;
}

/**
 * The entries of a bundle, as views into it.
 * @param width entries it must hold, where the caller knows (from the path).
 * @throws TLOG_ENTRY_BUNDLE_MALFORMED when it is cut short, holds no entry, or not `width` of them.
 */
export function parseEntryBundle(bundle: Uint8Array, width?: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bundle.length) {
    const start = offset + LENGTH_BYTES;
    if (start > bundle.length) throw malformedBundle('ends within a length');
    const end = start + ((bundle[offset]! << 8) | bundle[offset + 1]!);
    if (end > bundle.length) throw malformedBundle('ends within an entry');
    entries.push(bundle.subarray(start, end));
    offset = end;
  }
  if (entries.length < 1 || entries.length > TILE_WIDTH) throw malformedBundle('has not 1 to 256 entries');
  if (width !== undefined && entries.length !== width) throw malformedBundle('has another number of entries');
  return entries;
}

function malformedBundle(what: string): TlogError {
  return new TlogError('TLOG_ENTRY_BUNDLE_MALFORMED', `the entry bundle ${what}`);
}
