/**
 * Reads blocks of commitments and sample sets, packed into one row each: a million small rows cost more to carry than all
 * else that is done with them. Where tables are joined each is cut to the block by itself: the planner does not carry a range
 * of indexes over, and would read the whole other table for every block. Writes nothing. Proven by test/medium/verification.spec.ts.
 */
import { DATABASE, type Database } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';

/** Commitments as far as a result needs them, in leaf order. */
export interface CommittedBlock {
  readonly requestIds: readonly string[];
  /** RFC 6962 leaf hashes, 32 bytes each. */
  readonly leafHashes: Uint8Array;
}

/** No sample id holds a control character, and none is empty. */
const BETWEEN = '\n';
const UUID_LENGTH = 36;

@Injectable()
export class BlockFactsRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Sample ids of a sample set at positions [from, from + count). */
  async setMembers(sampleSetId: string, from: number, count: number): Promise<string[]> {
    const { rows } = await sql<{ ids: string | null }>`
      select string_agg(sample_id, ${BETWEEN} order by position) as ids from lacuna.sample_set_member
      where sample_set_id = ${sampleSetId} and position >= ${from} and position < ${from + count}`.execute(
      this.db,
    );
    return rows[0]?.ids?.split(BETWEEN) ?? [];
  }

  /** Sample ids of the commitments at leaf indexes [from, from + count); null where the request is erased. */
  async committedSamples(logId: number, from: bigint, count: number): Promise<(string | null)[]> {
    const to = from + BigInt(count);
    const { rows } = await sql<{ ids: string | null }>`
      select string_agg(coalesce(sample_id, ''), ${BETWEEN} order by leaf_index) as ids
      from (
        select leaf_index from lacuna.commitment
        where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}
      ) commitment
      left join (
        select leaf_index, sample_id from lacuna.commitment_opening
        where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}
      ) opening using (leaf_index)`.execute(this.db);
    return rows[0]?.ids?.split(BETWEEN).map((id) => (id === '' ? null : id)) ?? [];
  }

  /** Requests and leaf hashes of the commitments at leaf indexes [from, from + count). */
  async committedLeaves(logId: number, from: bigint, count: number): Promise<CommittedBlock> {
    const to = from + BigInt(count);
    const { rows } = await sql<{ requests: string | null; hashes: Uint8Array | null }>`
      select string_agg(request_id::text, '' order by leaf_index) as requests,
        string_agg(leaf_hash, ''::bytea order by leaf_index) as hashes
      from (
        select leaf_index, request_id from lacuna.commitment
        where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}
      ) commitment
      join (
        select leaf_index, leaf_hash from lacuna.entry
        where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}
      ) entry using (leaf_index)`.execute(this.db);
    const requests = rows[0]?.requests ?? '';
    return {
      requestIds: Array.from({ length: requests.length / UUID_LENGTH }, (_, i) =>
        requests.slice(i * UUID_LENGTH, (i + 1) * UUID_LENGTH),
      ),
      leafHashes: rows[0]?.hashes ?? new Uint8Array(0),
    };
  }
}
