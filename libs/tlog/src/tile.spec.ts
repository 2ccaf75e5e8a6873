import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEntryBundle, parseEntryBundle } from './entry-bundle.js';
import {
  edgeTiles,
  formatEntryBundlePath,
  formatTilePath,
  parseEntryBundlePath,
  parseTilePath,
  tileAt,
} from './tile.js';

const index = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const width = fc.integer({ min: 1, max: 256 });

describe('tile paths', () => {
  it.each([
    [{ level: 0, index: 1234067n, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 0, index: 273n, width: 112 }, 'tile/0/273.p/112'],
    [{ level: 63, index: 0n, width: 1 }, 'tile/63/000.p/1'],
    [{ level: 1, index: 1000n, width: 256 }, 'tile/1/x001/000'],
  ])('%o is %s', (coordinates, path) => {
    expect(formatTilePath(coordinates)).toBe(path);
    expect(parseTilePath(path)).toEqual(coordinates);
  });

  it('return from a round trip', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), index, width, (level, number, wide) => {
        const tile = { level, index: number, width: wide };
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
        const bundle = { index: number, width: wide };
        expect(parseEntryBundlePath(formatEntryBundlePath(bundle))).toEqual(bundle);
      }),
      { seed: 6 },
    );
  });

  it.each([
    '/tile/0/000',
    'tile/0/000/',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/0',
    'tile/0/0000',
    'tile/0/x000/001',
    'tile/0/001/002',
    'tile/0/x001/x002',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/',
    'tile/0/000.p/1/2',
    'tile/0/000\n',
    'tile/0/٠٠٠',
    'tile/entries/000',
    `tile/0/${'x999/'.repeat(7)}999`,
    'tile/0/../../etc/passwd',
    '',
  ])('refuse %j', (path) => {
    expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ code: 'TLOG_TILE_PATH_MALFORMED' }));
  });

  it.each(['tile/0/000', 'tile/entries/000.p/256', 'tile/entries/x000/000', 'entries/000'])(
    'of entries refuse %j',
    (path) => {
      expect(() => parseEntryBundlePath(path)).toThrow(
        expect.objectContaining({ code: 'TLOG_TILE_PATH_MALFORMED' }),
      );
    },
  );

  it.each([
    { level: 64, index: 0n, width: 1 },
    { level: 0.5, index: 0n, width: 1 },
    { level: 0, index: -1n, width: 1 },
    { level: 0, index: 0n, width: 0 },
    { level: 0, index: 0n, width: 257 },
  ])('cannot be made of %o', (coordinates) => {
    expect(() => formatTilePath(coordinates)).toThrow(expect.objectContaining({ code: 'TLOG_OUT_OF_RANGE' }));
  });
});

describe('tiles of a tree', () => {
  it('are those of the specification’s examples', () => {
    expect(edgeTiles(70_000n)).toEqual([
      { level: 0, index: 273n, width: 112 },
      { level: 1, index: 1n, width: 17 },
      { level: 2, index: 0n, width: 1 },
    ]);
    expect(edgeTiles(256n)).toEqual([{ level: 1, index: 0n, width: 1 }]);
    expect(edgeTiles(0n)).toEqual([]);
    expect(tileAt(0, 272n, 70_000n).width).toBe(256);
    expect(tileAt(0, 273n, 70_000n).width).toBe(112);
  });

  it('end with the tree', () => {
    expect(() => tileAt(0, 274n, 70_000n)).toThrow(expect.objectContaining({ code: 'TLOG_OUT_OF_RANGE' }));
    expect(() => tileAt(1, 1n, 65_536n)).toThrow(expect.objectContaining({ code: 'TLOG_OUT_OF_RANGE' }));
  });
});

describe('entry bundles', () => {
  it('return from a round trip', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 700 }), { minLength: 1, maxLength: 256 }),
        (entries) => {
          const bundle = formatEntryBundle(entries);
          expect(parseEntryBundle(bundle, entries.length)).toEqual(entries);
          expect(() => parseEntryBundle(bundle, entries.length + 1)).toThrow(
            expect.objectContaining({ code: 'TLOG_ENTRY_BUNDLE_MALFORMED' }),
          );
        },
      ),
      { seed: 7, numRuns: 40 },
    );
  });

  it('hold entries of 0 to 65,535 bytes, big-endian length first', () => {
    expect([...formatEntryBundle([new Uint8Array(0), Uint8Array.of(7)])]).toEqual([0, 0, 0, 1, 7]);
    const largest = new Uint8Array(65_535).fill(1);
    expect([...formatEntryBundle([largest]).subarray(0, 3)]).toEqual([0xff, 0xff, 1]);
    expect(() => formatEntryBundle([new Uint8Array(65_536)])).toThrow(
      expect.objectContaining({ code: 'TLOG_ENTRY_TOO_LARGE' }),
    );
  });

  it.each([[[]], [[0]], [[0, 2, 1]], [[0, 1, 1, 0]], [Array.from({ length: 514 }, () => 0)]])(
    'refuse malformed bytes (%#)',
    (bytes) => {
      expect(() => parseEntryBundle(Uint8Array.from(bytes))).toThrow(
        expect.objectContaining({ code: 'TLOG_ENTRY_BUNDLE_MALFORMED' }),
      );
    },
  );

  it('refuse no entry and 257 entries', () => {
    for (const count of [0, 257]) {
      expect(() => formatEntryBundle(Array.from({ length: count }, () => Uint8Array.of(1)))).toThrow(
        expect.objectContaining({ code: 'TLOG_OUT_OF_RANGE' }),
      );
    }
  });
});
