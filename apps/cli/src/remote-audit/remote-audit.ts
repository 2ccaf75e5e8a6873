/**
 * The audit of one log by an outsider, over nothing but its C2SP resources: the checkpoint's signature, every entry
 * hashed into a tree of the auditor's own, every tile compared with that tree, the root compared with the checkpoint.
 * From a kept checkpoint, the tree begins with the tiles that hash to the kept root, so that arriving at the new root
 * is the consistency proof, and only newer entries are read. Entries are read and hashed in stretches, by as many threads
 * as there are cores. Proven by test/medium/remote-audit.spec.ts, the threads by test/e2e/audit-threads.spec.ts.
 */
import {
  type Checkpoint,
  CompactRange,
  edgeTiles,
  HASH_BYTES,
  type NoteVerifier,
  openCheckpoint,
  openWitnessedCheckpoint,
  parseCheckpoint,
  parseNote,
  type Policy,
  type Tile,
  TILE_WIDTH,
  TileBuilder,
  TlogError,
} from '@app/tlog';
import type { HttpLog } from './http-log.js';
import { compareTile, type RemoteFinding, STRETCH_LEAVES, type StretchAnswer } from './stretch-audit.js';
import { openStretchAuditor, type StretchAuditor } from './stretch-threads.js';

/** A log that is wrong everywhere says so in so many lines. */
const MAX_FINDINGS = 100;

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
  /** Tree over the roots of full tiles of leaf hashes: level L of it is level L + 1 of the log. */
  private upper = new TileBuilder(0n, []);
  /** Leaf hashes of the partial tile after those. */
  private leafEdge: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly log: HttpLog,
    private readonly latest: Checkpoint,
    private readonly onProgress: (done: bigint, of: bigint) => void,
  ) {}

  async run(kept: Checkpoint | null): Promise<void> {
    if (kept && kept.treeSize > 0n && !(await this.startFrom(kept))) return;
    const from = kept?.treeSize ?? 0n;
    if (from === this.latest.treeSize || !(await this.readEntries(from))) return;
    await this.compareUpperTiles(this.upper.changedPartialTiles());
    if (!same(this.root(), this.latest.rootHash)) {
      this.report({
        place: `size ${this.latest.treeSize}`,
        problem: 'the entries make another root than the checkpoint signs',
      });
    }
  }

  private report(...findings: readonly RemoteFinding[]): void {
    this.findings.push(...findings.slice(0, MAX_FINDINGS - this.findings.length));
  }

  /** Whether the tree can be continued from the kept checkpoint's tiles. */
  private async startFrom(kept: Checkpoint): Promise<boolean> {
    const problem = await this.problemWith(kept);
    if (problem !== null) this.report({ place: `size ${kept.treeSize}`, problem });
    return problem === null;
  }

  private async problemWith({ treeSize, rootHash }: Checkpoint): Promise<string | null> {
    const { latest } = this;
    if (treeSize > latest.treeSize) return `the log was rolled back: it now has ${latest.treeSize} entries`;
    if (treeSize === latest.treeSize && !same(rootHash, latest.rootHash))
      return 'the log was forked: it signed two roots of this size';
    const places = edgeTiles(treeSize);
    const served = await Promise.all(places.map((place) => this.log.tile(place)));
    const edge = served.filter((tile, i) => tile?.length === places[i]!.width * HASH_BYTES) as Uint8Array[];
    if (edge.length < places.length) return 'the log does not serve the tiles of the kept checkpoint';
    if (!same(new TileBuilder(treeSize, edge).compactRange().root(), rootHash))
      return 'the log’s tiles do not lead to the kept checkpoint: its history was changed';
    this.leafEdge = places[0]?.level === 0 ? edge[0]! : this.leafEdge;
    this.upper = new TileBuilder(
      treeSize / BigInt(TILE_WIDTH),
      edge.filter((_tile, i) => places[i]!.level > 0),
    );
    return null;
  }

  /** True when every entry was there to read. */
  private async readEntries(from: bigint): Promise<boolean> {
    const { treeSize } = this.latest;
    const stretches = (treeSize - 1n) / STRETCH_LEAVES - from / STRETCH_LEAVES + 1n;
    const auditor = openStretchAuditor(Number(stretches));
    try {
      return await this.mergeInOrder(auditor, from);
    } finally {
      await auditor.close();
    }
  }

  private async mergeInOrder(auditor: StretchAuditor, from: bigint): Promise<boolean> {
    const { treeSize } = this.latest;
    const pending: { readonly to: bigint; readonly answer: Promise<StretchAnswer> }[] = [];
    for (let at = from; at < treeSize || pending.length > 0;) {
      for (; at < treeSize && pending.length < auditor.atOnce; at = pending.at(-1)!.to) {
        const end = (at / STRETCH_LEAVES + 1n) * STRETCH_LEAVES;
        const to = end < treeSize ? end : treeSize;
        const edge = at === from ? this.leafEdge : new Uint8Array(0);
        const answer = auditor.audit({ url: this.log.url, from: at, to, edge });
        // Awaited in order, below; a failure before its turn must not count as unhandled.
        answer.catch(() => undefined);
        pending.push({ to, answer });
      }
      const next = pending.shift()!;
      if (!(await this.merge(await next.answer))) return false;
      this.onProgress(next.to, treeSize);
    }
    return true;
  }

  private async merge(answer: StretchAnswer): Promise<boolean> {
    this.report(...answer.findings);
    this.entriesRead += BigInt(answer.entriesRead);
    this.tilesCompared += answer.tilesCompared;
    if (!answer.isComplete) return false;
    this.upper.appendAll(answer.tileRoots);
    this.leafEdge = answer.rest;
    await this.compareUpperTiles(this.upper.takeFullTiles());
    return true;
  }

  private async compareUpperTiles(tiles: readonly Tile[]): Promise<void> {
    const own = tiles.map((tile) => ({ ...tile, level: tile.level + 1 }));
    const served = await Promise.all(own.map((tile) => this.log.tile(tile)));
    for (const [position, tile] of own.entries()) {
      this.tilesCompared += 1;
      this.report(...compareTile(tile, served[position]));
    }
  }

  private root(): Uint8Array {
    const width = BigInt(this.leafEdge.length / HASH_BYTES);
    const rest = new TileBuilder(width, width > 0n ? [this.leafEdge] : []).compactRange();
    const hashes = [...this.upper.compactRange().hashes, ...rest.hashes];
    return CompactRange.fromHashes(this.latest.treeSize, hashes).root();
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
