/** Owns `score_block`: scores written once for each (release, generation, profile, subject, block) and state of knowledge. */
import { DATABASE, type Database, type Tx } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import type { StoredBlock } from './plan.js';

/** Whose scores: one release under one profile. */
export interface ScoreKey {
  readonly releaseId: string;
  /** Of the release's signals. */
  readonly generation: number;
  readonly profileId: string;
  /** 'commitments', or the id of a sample set. */
  readonly subject: string;
}

export interface NewScoreBlock extends StoredBlock {
  /** As `encodeScores` writes them. */
  readonly scores: Uint8Array;
  readonly signalsRead: number;
  readonly forwardPasses: number;
  readonly computedBy: string;
  readonly computedAt: Date;
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

@Injectable()
export class ScoreBlockRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** What is stored, without the scores. */
  async stored(key: ScoreKey, blockIndex?: number): Promise<StoredBlock[]> {
    let query = this.db
      .selectFrom('score_block')
      .select(['block_index', 'width', 'inputs', 'unscorable'])
      .where('release_id', '=', key.releaseId)
      .where('generation', '=', key.generation)
      .where('profile_id', '=', key.profileId)
      .where('subject', '=', key.subject);
    if (blockIndex !== undefined) query = query.where('block_index', '=', blockIndex);
    const rows = await query.execute();
    return rows.map((row) => ({
      blockIndex: row.block_index,
      width: row.width,
      inputs: Buffer.from(row.inputs).toString('hex'),
      unscorable: row.unscorable,
    }));
  }

  async scores(key: ScoreKey, { blockIndex, width, inputs }: StoredBlock): Promise<Uint8Array> {
    const row = await this.db
      .selectFrom('score_block')
      .select('scores')
      .where('release_id', '=', key.releaseId)
      .where('generation', '=', key.generation)
      .where('profile_id', '=', key.profileId)
      .where('subject', '=', key.subject)
      .where('block_index', '=', blockIndex)
      .where('width', '=', width)
      .where('inputs', '=', bytes(inputs))
      .executeTakeFirstOrThrow();
    return row.scores;
  }

  /** @returns false when another worker wrote the same block first: then nothing changes. */
  async insert(tx: Tx, key: ScoreKey, block: NewScoreBlock): Promise<boolean> {
    const result = await tx
      .insertInto('score_block')
      .values({
        release_id: key.releaseId,
        generation: key.generation,
        profile_id: key.profileId,
        subject: key.subject,
        block_index: block.blockIndex,
        width: block.width,
        inputs: bytes(block.inputs),
        scores: block.scores,
        unscorable: block.unscorable,
        signals_read: block.signalsRead,
        forward_passes: block.forwardPasses,
        computed_by: block.computedBy,
        computed_at: block.computedAt,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
  }
}
