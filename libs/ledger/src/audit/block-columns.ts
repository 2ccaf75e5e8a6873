/**
 * Reads a block of rows as columns: PostgreSQL puts the values of each column back to back, and no row becomes an object. One
 * query a table: a result of all three would be so large that its memory is taken from and given back to the system each time.
 */
import { copyOut, type Queryable } from '@app/persistence';
import { HASH_BYTES, SALT_BYTES } from '@app/tlog';
import type { BlockColumns, CommitmentColumns, EntryColumns, OpeningColumns } from './block-check.js';
import { SEPARATOR } from './expected-contents.js';

/** Rows of one log with `first <= leaf_index < end`. */
interface Range {
  readonly logId: number;
  readonly first: bigint;
  readonly end: bigint;
}

export async function readBlockColumns(on: Queryable, range: Range): Promise<BlockColumns> {
  return {
    entries: await readEntries(on, range),
    commitments: await readCommitments(on, range),
    openings: await readOpenings(on, range),
  };
}

async function readEntries(on: Queryable, range: Range): Promise<EntryColumns> {
  const [indexes, leafHashes, leafLengths, leaves, areWhole] = await columns(
    on,
    `select string_agg(int8send(leaf_index), ''), string_agg(leaf_hash, ''),
        string_agg(int4send(octet_length(leaf)), ''), string_agg(leaf, ''), bool_and(octet_length(leaf_hash) = ${HASH_BYTES})
      from ${rowsOf('entry', range)}`,
  );
  return {
    indexes: indexes!,
    leafHashes: leafHashes!,
    leafLengths: leafLengths!,
    leaves: leaves!,
    areWhole: isTrue(areWhole!),
  };
}

async function readCommitments(on: Queryable, range: Range): Promise<CommitmentColumns> {
  const [indexes, requestIds, positions] = await columns(
    on,
    `select string_agg(int8send(leaf_index), ''), string_agg(uuid_send(request_id), ''), string_agg(int4send(position), '')
      from ${rowsOf('commitment', range)}`,
  );
  return { indexes: indexes!, requestIds: requestIds!, positions: positions! };
}

async function readOpenings(on: Queryable, range: Range): Promise<OpeningColumns> {
  const [indexes, salts, samples, contents, areWhole] = await columns(
    on,
    `select string_agg(int8send(leaf_index), ''), string_agg(salt, ''),
        string_agg(sample_id, chr(${SEPARATOR})), string_agg(content, chr(${SEPARATOR})),
        bool_and(octet_length(salt) = ${SALT_BYTES} and sample_id is not null and content is not null)
      from ${rowsOf('commitment_opening', range)}`,
  );
  return {
    indexes: indexes!,
    salts: salts!,
    samples: samples!,
    contents: contents!,
    areWhole: isTrue(areWhole!),
  };
}

const rowsOf = (table: string, { logId, first, end }: Range): string =>
  `(select * from ${table} where log_id = ${logId} and leaf_index >= ${first} and leaf_index < ${end} order by leaf_index)
    as rows`;

/** The columns of the one row of `query`; an aggregate over nothing is empty. */
async function columns(on: Queryable, query: string): Promise<Buffer[]> {
  const [row] = await copyOut(on, query);
  return row!.map((column) => column ?? Buffer.alloc(0));
}

/** Of nothing, everything is true. */
const isTrue = (column: Buffer): boolean => column[0] !== 0;
