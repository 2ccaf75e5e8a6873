/** Owns `verification` (what was asked for) and `verification_progress` (how far it has come). */
import {
  DATABASE,
  type Database,
  type Queryable,
  type Tx,
  type VerificationCause,
  type VerificationResult,
  type VerificationStatus,
} from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';

/** One release against the first `treeSize` commitments of its model, under one profile. */
export interface Verification {
  readonly verificationId: string;
  readonly modelId: string;
  readonly releaseId: string;
  /** Which generation of the release's signals it stands on: above 0 where what answers behind its endpoint has changed. */
  readonly generation: number;
  readonly profileId: string;
  readonly treeSize: bigint;
  readonly cause: VerificationCause;
  readonly requestedAt: Date;
  readonly progress: VerificationProgress;
  /** Null until it is concluded. */
  readonly result: VerificationResult | null;
}

export interface VerificationProgress {
  readonly status: VerificationStatus;
  readonly blocksTotal: number;
  readonly blocksDone: number;
  /** Blocks that an earlier verification had computed already. */
  readonly blocksReused: number;
  /** Commitments, controls and calibration samples to score, those that are, and those that were before. */
  readonly samplesTotal: bigint;
  readonly samplesDone: bigint;
  readonly samplesReused: bigint;
  /** Recorded signals. */
  readonly signalsRead: bigint;
  /** Signals of live models that were known before. */
  readonly signalsReused: bigint;
  /** Samples that went through live models: in all, through the release, and through references. */
  readonly forwardPasses: bigint;
  readonly targetPasses: bigint;
  readonly referencePasses: bigint;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface NewVerification {
  readonly verificationId: string;
  readonly releaseId: string;
  readonly generation: number;
  readonly profileId: string;
  readonly treeSize: bigint;
  readonly cause: VerificationCause;
  readonly requestedAt: Date;
}

export interface PlannedCounts {
  readonly blocks: { readonly total: number; readonly reused: number };
  readonly samples: { readonly total: bigint; readonly reused: bigint };
}

export interface BlockWork {
  /** Samples of the block. */
  readonly samples: number;
  readonly signalsRead: number;
  readonly signalsReused: number;
}

export interface VerificationFilter {
  readonly modelId?: string | undefined;
  readonly releaseId?: string | undefined;
}

/** Statuses in which nothing more happens. */
const ENDED: VerificationStatus[] = ['ATTESTED', 'FAILED'];
/** Statuses in which no block counts any more. */
const CONCLUDED: VerificationStatus[] = ['CONCLUDED', ...ENDED];

export function hasEnded({ progress }: Verification): boolean {
  return ENDED.includes(progress.status);
}

export function isConcluded({ progress }: Verification): boolean {
  return CONCLUDED.includes(progress.status);
}

@Injectable()
export class VerificationRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async find(verificationId: string, db: Queryable = this.db): Promise<Verification | undefined> {
    const row = await selection(db).where('v.verification_id', '=', verificationId).executeTakeFirst();
    return row && fromRow(row);
  }

  /** Those of `verificationIds` that exist, in no particular order. */
  async findMany(verificationIds: readonly string[]): Promise<Verification[]> {
    if (verificationIds.length === 0) return [];
    const rows = await selection(this.db).where('v.verification_id', 'in', verificationIds).execute();
    return rows.map(fromRow);
  }

  /** Newest first. */
  async list(filter: VerificationFilter, after: string | null, limit: number): Promise<Verification[]> {
    let query = selection(this.db);
    if (filter.modelId) query = query.where('r.model_id', '=', filter.modelId);
    if (filter.releaseId) query = query.where('v.release_id', '=', filter.releaseId);
    if (after !== null) {
      query = query.where(
        sql<boolean>`(v.requested_at, v.verification_id) < (
          select b.requested_at, b.verification_id from lacuna.verification b where b.verification_id = ${after}
        )`,
      );
    }
    const rows = await query
      .orderBy('v.requested_at', 'desc')
      .orderBy('v.verification_id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(fromRow);
  }

  /** Verifications that are neither attested nor failed, oldest first. */
  async unfinished(): Promise<Verification[]> {
    const rows = await selection(this.db)
      .where('p.status', 'not in', ENDED)
      .orderBy('v.requested_at')
      .execute();
    return rows.map(fromRow);
  }

  async insert(tx: Tx, verification: NewVerification, { blocks, samples }: PlannedCounts): Promise<boolean> {
    const inserted = await tx
      .insertInto('verification')
      .values({
        verification_id: verification.verificationId,
        release_id: verification.releaseId,
        generation: verification.generation,
        profile_id: verification.profileId,
        tree_size: verification.treeSize,
        cause: verification.cause,
        requested_at: verification.requestedAt,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (!inserted.numInsertedOrUpdatedRows) return false;
    await tx
      .insertInto('verification_progress')
      .values({
        verification_id: verification.verificationId,
        status: 'PLANNED',
        blocks_total: blocks.total,
        blocks_done: blocks.reused,
        blocks_reused: blocks.reused,
        samples_total: samples.total,
        samples_done: samples.reused,
        samples_reused: samples.reused,
        started_at: verification.requestedAt,
      })
      .execute();
    return true;
  }

  /** Holds the verification for this transaction, so that only one worker concludes or attests it. */
  async lock(tx: Tx, verificationId: string): Promise<void> {
    await tx
      .selectFrom('verification_progress')
      .select('verification_id')
      .where('verification_id', '=', verificationId)
      .forUpdate()
      .executeTakeFirst();
  }

  /**
   * Counts one finished block.
   * @returns true when all blocks are counted. A block may be counted twice after a crash: a hint, checked by `conclude`.
   */
  async countBlock(tx: Tx, verificationId: string, work: BlockWork): Promise<boolean> {
    const row = await tx
      .updateTable('verification_progress')
      .set((eb) => ({
        status: sql<VerificationStatus>`case status when 'PLANNED' then 'SCORING' else status end`,
        blocks_done: sql<number>`least(blocks_done + 1, blocks_total)`,
        samples_done: sql<bigint>`least(samples_done + ${work.samples}::bigint, samples_total)`,
        signals_read: eb('signals_read', '+', BigInt(work.signalsRead)),
        signals_reused: eb('signals_reused', '+', BigInt(work.signalsReused)),
      }))
      .where('verification_id', '=', verificationId)
      .where('status', 'not in', CONCLUDED)
      .returning(['blocks_done', 'blocks_total'])
      .executeTakeFirst();
    return row !== undefined && row.blocks_done >= row.blocks_total;
  }

  /** Counts samples that went through a live model, in the transaction that keeps their signals: exactly once each. */
  async countPasses(
    tx: Tx,
    verificationId: string,
    role: 'target' | 'reference',
    passes: number,
  ): Promise<void> {
    const column = role === 'target' ? 'target_passes' : 'reference_passes';
    await tx
      .updateTable('verification_progress')
      .set((eb) => ({
        [column]: eb(column, '+', BigInt(passes)),
        forward_passes: eb('forward_passes', '+', BigInt(passes)),
      }))
      .where('verification_id', '=', verificationId)
      .execute();
  }

  /** Sets the true numbers of what is finished. */
  async recount(
    tx: Tx,
    verificationId: string,
    { blocks, samples }: { readonly blocks: number; readonly samples: bigint },
  ): Promise<void> {
    await tx
      .updateTable('verification_progress')
      .set({ status: 'SCORING', blocks_done: blocks, samples_done: samples })
      .where('verification_id', '=', verificationId)
      .where('status', 'not in', ENDED)
      .execute();
  }

  async moveTo(
    db: Queryable,
    verificationId: string,
    status: 'CONCLUDING' | 'CONCLUDED' | 'ATTESTED',
    finishedAt: Date | null = null,
  ): Promise<void> {
    await db
      .updateTable('verification_progress')
      .set({ status, finished_at: finishedAt })
      .where('verification_id', '=', verificationId)
      .execute();
  }

  async fail(
    db: Queryable,
    verificationId: string,
    error: { readonly code: string; readonly message: string },
    at: Date,
  ): Promise<void> {
    await db
      .updateTable('verification_progress')
      .set({ status: 'FAILED', error_code: error.code, error_message: error.message, finished_at: at })
      .where('verification_id', '=', verificationId)
      .where('status', 'not in', ENDED)
      .execute();
  }
}

function selection(db: Queryable) {
  return db
    .selectFrom('verification as v')
    .innerJoin('verification_progress as p', 'p.verification_id', 'v.verification_id')
    .innerJoin('release as r', 'r.release_id', 'v.release_id')
    .leftJoin('verification_outcome as o', 'o.verification_id', 'v.verification_id')
    .selectAll(['v', 'p'])
    .select(['r.model_id', 'o.result', 'v.verification_id as verification_id']);
}

type Row = Awaited<ReturnType<ReturnType<typeof selection>['executeTakeFirstOrThrow']>>;

function fromRow(row: Row): Verification {
  return {
    verificationId: row.verification_id,
    modelId: row.model_id,
    releaseId: row.release_id,
    generation: row.generation,
    profileId: row.profile_id,
    treeSize: row.tree_size,
    cause: row.cause,
    requestedAt: row.requested_at,
    result: row.result,
    progress: {
      status: row.status,
      blocksTotal: row.blocks_total,
      blocksDone: row.blocks_done,
      blocksReused: row.blocks_reused,
      samplesTotal: row.samples_total,
      samplesDone: row.samples_done,
      samplesReused: row.samples_reused,
      signalsRead: row.signals_read,
      signalsReused: row.signals_reused,
      forwardPasses: row.forward_passes,
      targetPasses: row.target_passes,
      referencePasses: row.reference_passes,
      errorCode: row.error_code,
      errorMessage: row.error_message,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
    },
  };
}
