/**
 * Turns sequenced entries into tiles and signed checkpoints. Runs in every daemon; an advisory lock lets one of them
 * work on a log at a time. Each batch is one transaction, and repeating it after a crash gives the same rows.
 *
 * Crash order: tiles are computed, the signer's own record is advanced and synced, then tiles and checkpoint are
 * committed together. A crash in between leaves a signer ahead of the database; the next run integrates to exactly
 * that size first and gets the same root and signature.
 */
import {
  type Checkpoint,
  HASH_BYTES,
  type NoteSigner,
  signCheckpoint,
  TileBuilder,
  edgeTiles,
  proveConsistencyFromTiles,
} from '@app/tlog';
import type { Tile } from '@app/tlog';
import type { Tx } from '@app/persistence';
import type { Clock } from './clock.js';
import { LedgerError, type LedgerErrorCode } from './errors.js';
import type { LedgerRepository, LogRow } from './ledger.repository.js';
import { narrowedEdge } from './narrowed-edge.js';
import type { PublicationRepository } from './publication.repository.js';
import type { SignerState } from './signer-state.js';

/** Leaves in one integration transaction: about 2 MB of hashes; a checkpoint follows each. */
const BATCH_LEAVES = 65_536n;
/** Leaf hashes read at once: 256 kB. */
const READ_LEAVES = 8192n;

export interface IntegratorOptions {
  readonly repository: LedgerRepository;
  readonly clock: Clock;
  /** The log key under the key name of a log, which is its origin (C2SP tlog-checkpoint). */
  readonly signerFor: (origin: string) => NoteSigner;
  readonly state: SignerState;
  /** Longest wait between two looks for entries that other daemons appended. */
  readonly intervalMs: number;
  /** A log that the signer refuses, or a failed batch; the other logs go on. */
  readonly onError: (origin: string, error: unknown) => void;
  /** Where signing is publishing; null: the publisher asks the witnesses first. */
  readonly publications: PublicationRepository | null;
  readonly onCheckpoint?: (origin: string, treeSize: bigint) => void;
}

/** Codes that waiting does not mend. */
const REFUSALS: readonly LedgerErrorCode[] = ['LEDGER_ROLLED_BACK', 'LEDGER_FORKED'];

/** Why a log is not signed. */
export interface SigningProblem {
  readonly origin: string;
  readonly code: LedgerErrorCode;
  readonly message: string;
}

export class Integrator {
  private readonly refusals = new Map<string, LedgerError>();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> | null = null;
  private again = false;
  private stopped = false;

  constructor(private readonly options: IntegratorOptions) {}

  start(): void {
    this.timer = setInterval(() => this.wake(), this.options.intervalMs);
    this.wake();
  }

  /** Integrates soon; calls while it works are remembered as one more round. */
  wake(): void {
    this.again = true;
    if (!this.stopped) this.running ??= this.rounds();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearInterval(this.timer);
    await this.running;
  }

  private async rounds(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      await this.integrateAll().catch((error: unknown) => this.options.onError('', error));
    }
    this.running = null;
  }

  /** The logs that are not signed because the database contradicts what was signed before, as of the last round. */
  problems(): SigningProblem[] {
    return [...this.refusals].map(([origin, { code, message }]) => ({ origin, code, message }));
  }

  /** Brings every log's checkpoint up to its head, as seen when called. */
  async integrateAll(): Promise<void> {
    const logs = await this.options.repository.positions();
    this.refuseLostLogs(logs);
    for (const log of logs) {
      try {
        this.options.state.refuseRollback(log);
        if (log.treeSize === null || log.treeSize < log.nextIndex) while (await this.integrateBatch(log));
        this.refusals.delete(log.origin);
      } catch (error) {
        this.fail(log.origin, error);
      }
    }
  }

  /** What was signed and is no longer there: a database from before the log was made, or another one altogether. */
  private refuseLostLogs(logs: readonly LogRow[]): void {
    const present = new Set(logs.map(({ origin }) => origin));
    for (const origin of this.options.state.origins()) {
      if (present.has(origin)) continue;
      this.fail(
        origin,
        new LedgerError('LEDGER_ROLLED_BACK', `log ${origin} was signed and is not in the database`),
      );
    }
  }

  /** A refusal stays until somebody acts: it is told once, and then by {@link problems}. */
  private fail(origin: string, error: unknown): void {
    if (!(error instanceof LedgerError) || !REFUSALS.includes(error.code))
      return this.options.onError(origin, error);
    const before = this.refusals.get(origin);
    this.refusals.set(origin, error);
    if (before?.message !== error.message) this.options.onError(origin, error);
  }

  /** True when a batch was integrated and more entries wait. */
  private async integrateBatch(log: LogRow): Promise<boolean> {
    const { repository, onCheckpoint } = this.options;
    const done = await repository.db.transaction().execute(async (tx) => {
      if (!(await repository.tryIntegratorLock(tx, log.logId))) return null;
      const last = await repository.findCheckpoint(log.logId, undefined, tx);
      const from = last?.treeSize ?? 0n;
      const head = await repository.nextIndex(log.logId, tx);
      if (last && head <= from) return null;
      const target = this.targetSize(log.origin, from, head);
      const { tiles, checkpoint } = await this.extend(tx, log, from, target);
      await repository.insertTiles(tx, log.logId, tiles);
      const note = await this.sign(tx, log, checkpoint);
      const { rootHash, treeSize } = checkpoint;
      const signedAt = this.options.clock();
      await repository.insertCheckpoint(tx, log.logId, {
        treeSize,
        rootHash,
        note,
        signedAt,
      });
      await this.options.publications?.publish(tx, log.logId, treeSize, signedAt);
      return { treeSize, head };
    });
    if (done) onCheckpoint?.(log.origin, done.treeSize);
    return done !== null && done.treeSize < done.head;
  }

  private targetSize(origin: string, from: bigint, head: bigint): bigint {
    const signed = this.options.state.lastSigned(origin)?.treeSize ?? 0n;
    if (signed > from && signed <= head) return signed;
    return head - from > BATCH_LEAVES ? from + BATCH_LEAVES : head;
  }

  private async extend(
    tx: Tx,
    log: LogRow,
    from: bigint,
    target: bigint,
  ): Promise<{ tiles: Tile[]; checkpoint: Checkpoint }> {
    const { repository } = this.options;
    const edge = from === 0n ? [] : await repository.readTiles(tx, log.logId, edgeTiles(from));
    const builder = new TileBuilder(from, narrowedEdge(edge, from));
    while (builder.treeSize < target) {
      const next = builder.treeSize;
      const end = target - next > READ_LEAVES ? next + READ_LEAVES : target;
      const hashes = await repository.readLeafHashes(tx, log.logId, next, end);
      if (hashes.length !== Number(end - next) * HASH_BYTES) {
        throw new LedgerError('LEDGER_ROLLED_BACK', `log ${log.origin} lacks entries below its own head`);
      }
      builder.appendAll(hashes);
    }
    const checkpoint = { origin: log.origin, treeSize: target, rootHash: builder.compactRange().root() };
    return { tiles: [...builder.takeFullTiles(), ...builder.changedPartialTiles()], checkpoint };
  }

  private async sign(tx: Tx, log: LogRow, checkpoint: Checkpoint): Promise<string> {
    const { repository, signerFor, state } = this.options;
    const last = state.lastSigned(log.origin);
    const reader = {
      readTiles: (tiles: Parameters<typeof repository.readTiles>[2]) =>
        repository.readTiles(tx, log.logId, tiles),
    };
    const grown = last && last.treeSize > 0n && last.treeSize < checkpoint.treeSize;
    const proof = grown ? await proveConsistencyFromTiles(reader, last.treeSize, checkpoint.treeSize) : [];
    state.advance(checkpoint, proof);
    return signCheckpoint(checkpoint, [signerFor(log.origin)]);
  }
}
