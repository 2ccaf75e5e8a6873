/** Reads a block of rows as columns: PostgreSQL puts the values of each column back to back, and no row becomes an object. */
import { copyOut, type Queryable } from '@app/persistence';
import type { CommitmentColumns, EntryColumns, OpeningColumns } from './block-check.js';

export async function readEntryColumns(
  on: Queryable,
  logId: number,
  first: bigint,
  end: bigint,
): Promise<EntryColumns> {
  const [indexes, leafHashes, leafLengths, leaves] = await columns(
    on,
    `select string_agg(int8send(leaf_index), ''), string_agg(leaf_hash, ''),
        string_agg(int4send(octet_length(leaf)), ''), string_agg(leaf, '')
      from (select leaf_index, leaf, leaf_hash from entry where ${range(logId, first, end)} order by leaf_index) as rows`,
  );
  return { indexes: indexes!, leafHashes: leafHashes!, leafLengths: leafLengths!, leaves: leaves! };
}

export async function readCommitmentColumns(
  on: Queryable,
  logId: number,
  first: bigint,
  end: bigint,
): Promise<CommitmentColumns> {
  const [indexes, requestIds, positions] = await columns(
    on,
    `select string_agg(int8send(leaf_index), ''), string_agg(uuid_send(request_id), ''), string_agg(int4send(position), '')
      from (select * from commitment where ${range(logId, first, end)} order by leaf_index) as rows`,
  );
  return { indexes: indexes!, requestIds: requestIds!, positions: positions! };
}

export async function readOpeningColumns(
  on: Queryable,
  logId: number,
  first: bigint,
  end: bigint,
): Promise<OpeningColumns> {
  const [indexes, salts, sampleLengths, samples, contentLengths, contents] = await columns(
    on,
    `select string_agg(int8send(leaf_index), ''), string_agg(salt, ''),
        string_agg(int4send(octet_length(sample_id)), ''), string_agg(textsend(sample_id), ''),
        string_agg(int4send(octet_length(content)), ''), string_agg(textsend(content), '')
      from (select * from commitment_opening where ${range(logId, first, end)} order by leaf_index) as rows`,
  );
  return {
    indexes: indexes!,
    salts: salts!,
    sampleLengths: sampleLengths!,
    samples: samples!,
    contentLengths: contentLengths!,
    contents: contents!,
  };
}

const range = (logId: number, first: bigint, end: bigint): string =>
  `log_id = ${logId} and leaf_index >= ${first} and leaf_index < ${end}`;

/** The columns of the one row of `query`; an aggregate over nothing is empty. */
async function columns(on: Queryable, query: string): Promise<Buffer[]> {
  const [row] = await copyOut(on, query);
  return row!.map((column) => column ?? Buffer.alloc(0));
}
