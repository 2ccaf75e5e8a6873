/** Tiles above the leaves, kept once read. Proven by upper-tiles.spec.ts. */
import type { TileCoordinates, TileReader } from '@app/tlog';
import { LRUCache } from 'lru-cache';

/** At 8 KiB: 8 MiB, all of a log of 67 million leaves. */
const LARGEST_COUNT = 1024;

/**
 * Proofs of one log need the same few tiles above level 0 again and again, and a tile of a given width never changes: with
 * them kept a proof reads one row. For proofs only, which their readers check against a signed root; an audit and whoever
 * asks for a tile get what is stored.
 */
export class UpperTiles {
  private readonly kept: LRUCache<string, Uint8Array>;

  constructor(size = LARGEST_COUNT) {
    this.kept = new LRUCache({ max: size });
  }

  /** Reads what is not kept with `reader`, in one call, or none where all is kept. */
  over(logId: number, reader: TileReader): TileReader {
    return {
      readTiles: async (tiles) => {
        const found = tiles.map((tile) => this.kept.get(key(logId, tile)));
        const missing = tiles.filter((_, i) => !found[i]);
        const read = missing.length > 0 ? await reader.readTiles(missing) : [];
        for (const [i, tile] of missing.entries())
          if (tile.level > 0) this.kept.set(key(logId, tile), read[i]);
        let next = 0;
        return found.map((hashes) => hashes ?? read[next++]!);
      },
    };
  }
}

const key = (logId: number, { level, index, width }: TileCoordinates) =>
  `${logId}/${level}/${index}/${width}`;
