/**
 * What is asked of, and answered about, one chunk of a log: the leaves under one tile of level 1. Chunks are audited
 * independently, in whatever thread; their answers are put together in order (log-audit.ts). Plain data, so that it can
 * be sent to a thread.
 */
import { TILE_WIDTH } from '@app/tlog';
import type { LogRow } from '../ledger.repository.js';
import type { AuditFinding } from './finding.js';

export const CHUNK_LEAVES = BigInt(TILE_WIDTH) * BigInt(TILE_WIDTH);

export interface ChunkOrder {
  readonly log: LogRow;
  /** First leaf to audit; not the chunk's first where an earlier audit has covered those. */
  readonly from: bigint;
  /** One past the last leaf, at most the chunk's end. */
  readonly to: bigint;
  /** The partial tiles of levels 0 and 1 at `from`, as that earlier audit left them. */
  readonly edge: readonly Uint8Array[];
  /** Size of the last checkpoint: below it every leaf must be in a tile. */
  readonly integrated: bigint;
  /** In ascending order, all in (from, to] and below the chunk's end. */
  readonly checkpointSizes: readonly bigint[];
}

export interface ChunkAnswer {
  readonly findings: readonly AuditFinding[];
  readonly entries: number;
  /** Stored tiles of levels 0 and 1 that belong to the tree, whatever they hold. */
  readonly tiles: number;
  /** For each checkpoint size, the subtree roots of the chunk's part, largest first. */
  readonly edges: readonly (readonly Uint8Array[])[];
  /** Root over the whole chunk; null while it is not full. */
  readonly root: Uint8Array | null;
}

/** Whoever audits chunks: this thread, or several others. */
export type ChunkAuditor = (order: ChunkOrder) => Promise<ChunkAnswer>;
