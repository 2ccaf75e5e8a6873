/**
 * Reads and hashes one stretch of a served log: consecutive entry bundles, each held against its tile of leaf hashes.
 * Stretches need nothing of each other, so any thread can do any of them; remote-audit.ts puts their parts of the tree
 * together. Plain data in and out.
 */
import {
  formatTilePath,
  HASH_BYTES,
  hashLeaf,
  type Tile,
  TILE_WIDTH,
  type TileCoordinates,
  TileBuilder,
  TlogError,
} from '@app/tlog';
import { HttpLog } from './http-log.js';

/** 64 bundles: enough work for a thread's round trip, and steps of progress that people see move. */
export const STRETCH_LEAVES = 64n * BigInt(TILE_WIDTH);
/** Bundles under way at once: fewer wait for the network, more only fill memory (about 60 kB each for Lacuna). */
const BUNDLES_AT_ONCE = 16;
const WIDTH = BigInt(TILE_WIDTH);

export interface RemoteFinding {
  /** Leaf index, tile path or tree size. */
  readonly place: string;
  readonly problem: string;
}

export interface StretchOrder {
  /** Address of the log. */
  readonly url: string;
  /** First leaf to read; not a tile's first where an earlier audit has covered those. */
  readonly from: bigint;
  /** One past the last leaf; at most the next multiple of {@link STRETCH_LEAVES}. */
  readonly to: bigint;
  /** The leaf hashes before `from` in its tile, 32 bytes each. */
  readonly edge: Uint8Array;
}

export interface StretchAnswer {
  readonly findings: readonly RemoteFinding[];
  readonly entriesRead: number;
  readonly tilesCompared: number;
  /** False when an entry was not to be had: then the stretch ends there, and its hashes are of no use. */
  readonly isComplete: boolean;
  /** Roots of the tiles that it filled, 32 bytes each. */
  readonly tileRoots: Uint8Array;
  /** Leaf hashes of the tile that it left partial; empty when there is none. */
  readonly rest: Uint8Array;
}

/** @throws CliError `CLI_LOG_UNREACHABLE` */
export function auditStretch(order: StretchOrder): Promise<StretchAnswer> {
  return new StretchAudit(order).run();
}

/** The findings of a tile that is served otherwise than the entries below it make it. */
export function compareTile(own: Tile, served: Uint8Array | undefined): RemoteFinding[] {
  const path = formatTilePath(own);
  if (served?.length !== own.hashes.length) {
    return [{ place: path, problem: 'the log does not serve this tile' }];
  }
  const findings: RemoteFinding[] = [];
  for (let hash = 0; hash < own.width; hash += 1) {
    const [first, end] = [hash * HASH_BYTES, (hash + 1) * HASH_BYTES];
    if (Buffer.compare(served.subarray(first, end), own.hashes.subarray(first, end)) === 0) continue;
    const leaf = own.index * WIDTH + BigInt(hash);
    findings.push(
      own.level === 0
        ? { place: `entry ${leaf}`, problem: 'the entry does not hash to its place in the tiles' }
        : { place: path, problem: `hash ${hash} is not that of the entries below it` },
    );
  }
  return findings;
}

interface Bundle {
  readonly place: TileCoordinates;
  readonly entries: Promise<Uint8Array[] | undefined>;
  readonly tile: Promise<Uint8Array | undefined>;
}

class StretchAudit {
  private readonly log: HttpLog;
  private readonly findings: RemoteFinding[] = [];
  private readonly tileRoots: Uint8Array[] = [];
  private rest: Uint8Array = new Uint8Array(0);
  private entriesRead = 0;
  private tilesCompared = 0;

  constructor(private readonly order: StretchOrder) {
    this.log = new HttpLog(order.url);
  }

  async run(): Promise<StretchAnswer> {
    const isComplete = await this.readBundles();
    const { findings, entriesRead, tilesCompared, rest } = this;
    return {
      findings,
      entriesRead,
      tilesCompared,
      isComplete,
      tileRoots: Buffer.concat(this.tileRoots),
      rest,
    };
  }

  private async readBundles(): Promise<boolean> {
    const reading: Bundle[] = [];
    for (const place of this.places()) {
      reading.push(this.read(place));
      if (reading.length === BUNDLES_AT_ONCE && !(await this.check(reading.shift()!))) return false;
    }
    for (const bundle of reading) if (!(await this.check(bundle))) return false;
    return true;
  }

  private *places(): Generator<TileCoordinates> {
    const { from, to } = this.order;
    for (let index = from / WIDTH; index * WIDTH < to; index += 1n) {
      const left = to - index * WIDTH;
      yield { level: 0, index, width: left < WIDTH ? Number(left) : TILE_WIDTH };
    }
  }

  private read(place: TileCoordinates): Bundle {
    const bundle = { place, entries: this.log.entries(place), tile: this.log.tile(place) };
    // Awaited in order, below; a failure before its turn must not count as unhandled.
    bundle.entries.catch(() => undefined);
    bundle.tile.catch(() => undefined);
    return bundle;
  }

  /** False when its entries are not to be had. */
  private async check(bundle: Bundle): Promise<boolean> {
    const { from, edge } = this.order;
    const start = bundle.place.index * WIDTH;
    const known = start < from ? edge : new Uint8Array(0);
    const entries = await this.entriesOf(bundle, start < from ? from : start);
    if (!entries) return false;
    const builder = new TileBuilder(BigInt(known.length / HASH_BYTES), known.length > 0 ? [known] : []);
    for (const entry of entries.slice(known.length / HASH_BYTES)) {
      builder.append(hashLeaf(entry));
      this.entriesRead += 1;
    }
    const [own] = [...builder.takeFullTiles(), ...builder.changedPartialTiles()];
    this.findings.push(...compareTile({ ...bundle.place, hashes: own!.hashes }, await bundle.tile));
    this.tilesCompared += 1;
    if (own!.width === TILE_WIDTH) this.tileRoots.push(builder.compactRange().root());
    else this.rest = own!.hashes;
    return true;
  }

  private async entriesOf({ entries }: Bundle, first: bigint): Promise<Uint8Array[] | undefined> {
    const place = `entry ${first}`;
    try {
      const served = await entries;
      if (!served)
        this.findings.push({ place, problem: 'the log does not serve an entry below its checkpoint' });
      return served;
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      this.findings.push({ place, problem: error.message });
      return undefined;
    }
  }
}
