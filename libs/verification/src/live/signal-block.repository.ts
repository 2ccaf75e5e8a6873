/** Owns `signal_block`: raw signals of a live model on 4,096 consecutive samples, written once. */
import { DATABASE, type Database, type Queryable, type Tx } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import {
  bestSignals,
  decodeSignals,
  encodeSignals,
  PAYLOAD_MISSING,
  type SignalBlock,
  type SignalVersion,
} from './signal-block.js';

/** Whose signals on what. */
export interface SignalKey {
  /** As {@link SignalSource} has it. */
  readonly sourceDigest: string;
  /** A model's id for its commitment log, or the id of a sample set. */
  readonly subjectId: string;
}

export interface NewSignalBlock extends SignalBlock {
  /** What computed, for example `onnxruntime-node 1.30.0 (cpu)`. */
  readonly backend: string;
  /** Samples that went through the model for this version. */
  readonly forwardPasses: number;
  readonly computedBy: string;
  readonly computedAt: Date;
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

@Injectable()
export class SignalBlockRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Every stored version, without the signals. */
  private async stored({ sourceDigest, subjectId }: SignalKey): Promise<SignalVersion[]> {
    const rows = await this.db
      .selectFrom('signal_block')
      .select(['block_index', 'width', 'unscorable'])
      .select(sql<boolean>`jsonb_exists(reasons, ${PAYLOAD_MISSING})`.as('awaited'))
      .where('source_digest', '=', bytes(sourceDigest))
      .where('subject_id', '=', subjectId)
      .execute();
    return rows.map((row) => ({
      blockIndex: row.block_index,
      width: row.width,
      unscorable: row.unscorable,
      awaited: row.awaited,
    }));
  }

  /** The version of each block that serves, by block index, of each source. */
  async versions(
    sourceDigests: readonly string[],
    subjectId: string,
  ): Promise<ReadonlyMap<number, SignalVersion>[]> {
    return Promise.all(
      sourceDigests.map(async (sourceDigest) => {
        const serving = new Map<number, SignalVersion>();
        for (const version of await this.stored({ sourceDigest, subjectId })) {
          const known = serving.get(version.blockIndex) ?? version;
          serving.set(version.blockIndex, bestSignals([known, version])!);
        }
        return serving;
      }),
    );
  }

  /**
   * The version of one block that serves: the widest, then the one that lacks the fewest signals.
   * @throws VERIFICATION_SIGNALS_CORRUPT
   */
  async best(
    { sourceDigest, subjectId }: SignalKey,
    blockIndex: number,
    db: Queryable = this.db,
  ): Promise<SignalBlock | undefined> {
    const row = await db
      .selectFrom('signal_block')
      .select(['width', 'values', 'unscorable', 'reasons'])
      .where('source_digest', '=', bytes(sourceDigest))
      .where('subject_id', '=', subjectId)
      .where('block_index', '=', blockIndex)
      .orderBy('width', 'desc')
      .orderBy('unscorable')
      .limit(1)
      .executeTakeFirst();
    return (
      row && {
        blockIndex,
        width: row.width,
        unscorable: row.unscorable,
        awaited: PAYLOAD_MISSING in row.reasons,
        values: decodeSignals(row.values, row.width),
        reasons: row.reasons,
      }
    );
  }

  /** @returns false when another worker wrote the same version first: then nothing changes. */
  async insert(tx: Tx, { sourceDigest, subjectId }: SignalKey, block: NewSignalBlock): Promise<boolean> {
    const result = await tx
      .insertInto('signal_block')
      .values({
        source_digest: bytes(sourceDigest),
        subject_id: subjectId,
        block_index: block.blockIndex,
        width: block.width,
        values: encodeSignals(block.values),
        unscorable: block.unscorable,
        reasons: block.reasons,
        backend: block.backend,
        forward_passes: block.forwardPasses,
        computed_by: block.computedBy,
        computed_at: block.computedAt,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
  }

  /** When signals on these subjects were computed, the first and the last time; null where there are none. */
  async computedBetween(
    sourceDigest: string,
    subjectIds: readonly string[],
  ): Promise<{ readonly from: Date; readonly to: Date } | null> {
    const row = await this.db
      .selectFrom('signal_block')
      .select((eb) => [eb.fn.min('computed_at').as('from'), eb.fn.max('computed_at').as('to')])
      .where('source_digest', '=', bytes(sourceDigest))
      .where('subject_id', 'in', subjectIds)
      .executeTakeFirstOrThrow();
    return row.from && row.to ? { from: row.from, to: row.to } : null;
  }

  /** What computed the signals on these subjects, each named once, in order. */
  async backends(sourceDigest: string, subjectIds: readonly string[]): Promise<string[]> {
    const rows = await this.db
      .selectFrom('signal_block')
      .select('backend')
      .distinct()
      .where('source_digest', '=', bytes(sourceDigest))
      .where('subject_id', 'in', subjectIds)
      .orderBy('backend')
      .execute();
    return rows.map(({ backend }) => backend);
  }
}
