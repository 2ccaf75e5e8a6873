/**
 * The audit of one log by an outsider, over nothing but its C2SP resources: the checkpoint's signature, every entry
 * hashed into a tree of the auditor's own, every tile compared with that tree, the root compared with the checkpoint.
 * From a kept checkpoint, the tree begins with the tiles that hash to the kept root, so that arriving at the new root
 * is the consistency proof, and only newer entries are read. Proven by test/medium/remote-audit.spec.ts.
 */
import {
  type Checkpoint,
  edgeTiles,
  formatTilePath,
  HASH_BYTES,
  hashLeaf,
  type NoteVerifier,
  openCheckpoint,
  openWitnessedCheckpoint,
  parseCheckpoint,
  parseNote,
  type Policy,
  TILE_WIDTH,
  type Tile,
  TileBuilder,
  TlogError,
} from '@app/tlog';
import type { HttpLog } from './http-log.js';

/** Bundles under way at once: fewer wait for the network, more only fill memory (about 60 kB each for Lacuna). */
const BUNDLES_AT_ONCE = 16;
/** A log that is wrong everywhere says so in so many lines. */
const MAX_FINDINGS = 100;
const WIDTH = BigInt(TILE_WIDTH);

export interface RemoteAuditOptions {
  readonly log: HttpLog;
  /** Name the log must have; without it the one it gives itself. */
  readonly origin?: string;
  readonly verifierFor: (origin: string) => NoteVerifier | Promise<NoteVerifier>;
  /** Note of a checkpoint that an earlier audit accepted. */
  readonly kept?: string;
  /** Witnesses that must have cosigned. */
  readonly policy?: Policy;
  readonly onProgress: (done: bigint, of: bigint) => void;
}

export interface RemoteFinding {
  /** Leaf index, tile path or tree size. */
  readonly place: string;
  readonly problem: string;
}

export interface RemoteAuditReport {
  readonly origin: string;
  readonly treeSize: bigint;
  /** Entries of the kept checkpoint, not read again. */
  readonly from: bigint;
  readonly entriesRead: bigint;
  readonly tilesCompared: number;
  /** Names of the policy's witnesses that cosigned. */
  readonly witnesses: readonly string[];
  /** The audited note: what to keep. */
  readonly checkpoint: string;
  readonly findings: readonly RemoteFinding[];
}

/** @throws CliError `CLI_LOG_UNREACHABLE`; TlogError for a checkpoint that cannot be believed at all */
export async function auditRemoteLog(options: RemoteAuditOptions): Promise<RemoteAuditReport> {
  const { log, policy, kept } = options;
  const note = await log.checkpoint();
  const { origin } = parseCheckpoint(parseNote(note).text);
  if (options.origin !== undefined && options.origin !== origin) {
    throw new TlogError('TLOG_CHECKPOINT_ORIGIN_MISMATCH', `the checkpoint is of ${origin}`);
  }
  const verifier = await options.verifierFor(origin);
  const latest = openCheckpoint(note, verifier, origin);
  const witnesses = policy
    ? openWitnessedCheckpoint(note, policy, origin, verifier).cosignatures.map(({ witness }) => witness)
    : [];
  const from = kept === undefined ? null : openCheckpoint(kept, verifier, origin);
  const audit = new TreeAudit(log, latest, options.onProgress);
  await audit.run(from);
  return {
    origin,
    treeSize: latest.treeSize,
    from: from?.treeSize ?? 0n,
    entriesRead: audit.entriesRead,
    tilesCompared: audit.tilesCompared,
    witnesses,
    checkpoint: note,
    findings: audit.findings,
  };
}

class TreeAudit {
  readonly findings: RemoteFinding[] = [];
  entriesRead = 0n;
  tilesCompared = 0;

  constructor(
    private readonly log: HttpLog,
    private readonly latest: Checkpoint,
    private readonly onProgress: (done: bigint, of: bigint) => void,
  ) {}

  async run(kept: Checkpoint | null): Promise<void> {
    const builder = await this.start(kept);
    if (!builder || !(await this.readEntries(builder))) return;
    await this.compareTiles(builder.changedPartialTiles());
    if (!same(builder.compactRange().root(), this.latest.rootHash)) {
      this.report(`size ${this.latest.treeSize}`, 'the entries make another root than the checkpoint signs');
    }
  }

  private report(place: string, problem: string): void {
    if (this.findings.length < MAX_FINDINGS) this.findings.push({ place, problem });
  }

  /** The tree to build on: empty, or the kept one from its tiles. Undefined when that cannot be trusted. */
  private async start(kept: Checkpoint | null): Promise<TileBuilder | undefined> {
    if (!kept || kept.treeSize === 0n) return new TileBuilder(0n, []);
    const size = `size ${kept.treeSize}`;
    if (kept.treeSize > this.latest.treeSize) {
      this.report(size, `the log was rolled back: it now has ${this.latest.treeSize} entries`);
      return undefined;
    }
    if (kept.treeSize === this.latest.treeSize && !same(kept.rootHash, this.latest.rootHash)) {
      this.report(size, 'the log was forked: it signed two roots of this size');
      return undefined;
    }
    const edge = await Promise.all(edgeTiles(kept.treeSize).map((place) => this.log.tile(place)));
    if (edge.some((tile) => tile === undefined)) {
      this.report(size, 'the log does not serve the tiles of the kept checkpoint');
      return undefined;
    }
    const builder = new TileBuilder(kept.treeSize, edge as Uint8Array[]);
    if (same(builder.compactRange().root(), kept.rootHash)) return builder;
    this.report(size, 'the log’s tiles do not lead to the kept checkpoint: its history was changed');
    return undefined;
  }

  /** True when every entry was there to read. */
  private async readEntries(builder: TileBuilder): Promise<boolean> {
    const { treeSize } = this.latest;
    const reading: Promise<Uint8Array[] | undefined>[] = [];
    let next = builder.treeSize / WIDTH;
    while (builder.treeSize < treeSize) {
      for (; reading.length < BUNDLES_AT_ONCE && next * WIDTH < treeSize; next += 1n) {
        const rest = treeSize - next * WIDTH;
        const bundle = this.log.entries({ index: next, width: rest < WIDTH ? Number(rest) : TILE_WIDTH });
        // Awaited below, in order; a failure before its turn must not count as unhandled.
        bundle.catch(() => undefined);
        reading.push(bundle);
      }
      const place = `entry ${builder.treeSize}`;
      const entries = await reading.shift()!.catch((error: unknown) => {
        if (!(error instanceof TlogError)) throw error;
        this.report(place, error.message);
        return null;
      });
      if (entries === undefined) this.report(place, 'the log does not serve an entry below its checkpoint');
      if (!entries) return false;
      const known = Number(builder.treeSize % WIDTH);
      for (const entry of entries.slice(known)) builder.append(hashLeaf(entry));
      this.entriesRead += BigInt(entries.length - known);
      await this.compareTiles(builder.takeFullTiles());
      this.onProgress(builder.treeSize, treeSize);
    }
    return true;
  }

  private async compareTiles(tiles: readonly Tile[]): Promise<void> {
    const served = await Promise.all(tiles.map((tile) => this.log.tile(tile)));
    for (const [position, tile] of tiles.entries()) {
      this.tilesCompared += 1;
      this.compareTile(tile, served[position]);
    }
  }

  private compareTile(own: Tile, served: Uint8Array | undefined): void {
    const path = formatTilePath(own);
    if (served?.length !== own.hashes.length) {
      this.report(path, 'the log does not serve this tile');
      return;
    }
    for (let first = 0; first < served.length; first += HASH_BYTES) {
      if (same(served.subarray(first, first + HASH_BYTES), own.hashes.subarray(first, first + HASH_BYTES)))
        continue;
      const hash = first / HASH_BYTES;
      const leaf = own.index * WIDTH + BigInt(hash);
      if (own.level === 0) this.report(`entry ${leaf}`, 'the entry does not hash to its place in the tiles');
      else this.report(path, `hash ${hash} is not that of the entries below it`);
    }
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
