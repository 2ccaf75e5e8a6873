/** Reads the rows of a block, table by table in order of leaf index, into memory that serves the next block again. */
import { CopiedRows, copyRows, type Queryable } from '@app/persistence';

/** Rows of one log with `first <= leaf_index < end`. */
interface Range {
  readonly logId: number;
  readonly first: bigint;
  readonly end: bigint;
}

/** The first column of each. */
export const LEAF_INDEX = 0;
export const ENTRY = { leafHash: 1, leaf: 2 } as const;
export const COMMITMENT = { requestId: 1, position: 2 } as const;
export const OPENING = { salt: 1, sampleId: 2, content: 3 } as const;

export class BlockRows {
  readonly entries = new CopiedRows();
  readonly commitments = new CopiedRows();
  /** Without the rows that an erasure destroyed. */
  readonly openings = new CopiedRows();

  async read(on: Queryable, range: Range): Promise<void> {
    await copyRows(on, `select leaf_index, leaf_hash, leaf from ${rowsOf('entry', range)}`, this.entries);
    await copyRows(
      on,
      `select leaf_index, request_id, position from ${rowsOf('commitment', range)}`,
      this.commitments,
    );
    await copyRows(
      on,
      `select leaf_index, salt, sample_id, content from ${rowsOf('commitment_opening', range)}`,
      this.openings,
    );
  }
}

const rowsOf = (table: string, { logId, first, end }: Range): string =>
  `${table} where log_id = ${logId} and leaf_index >= ${first} and leaf_index < ${end} order by leaf_index`;
