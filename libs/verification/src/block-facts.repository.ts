/**
 * Reads blocks of commitments and sample sets, packed into one row each: a million small rows cost more to carry than all
 * else that is done with them. No table is joined on a range of indexes: the planner does not carry a range over, and would
 * look every row up or read the whole other table, as its statistics have it. Writes nothing. Proven by
 * test/medium/verification.spec.ts.
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
const PLACE_BYTES = 4;

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
    const { rows } = await sql<{ count: number; ids: string | null; places: Uint8Array | null }>`
      select string_agg(sample_id, ${BETWEEN} order by leaf_index) as ids,
        string_agg(int4send((leaf_index - ${from})::integer), ''::bytea order by leaf_index) as places,
        (select count(*)::integer from lacuna.commitment
          where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}) as count
      from lacuna.commitment_opening
      where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}`.execute(this.db);
    const { count: found, ids, places } = rows[0]!;
    const samples = new Array<string | null>(found).fill(null);
    if (ids === null || places === null) return samples;
    const view = new DataView(places.buffer, places.byteOffset, places.byteLength);
    for (const [i, id] of ids.split(BETWEEN).entries()) samples[view.getInt32(i * PLACE_BYTES)] = id;
    return samples;
  }

  /** Requests and leaf hashes of the commitments at leaf indexes [from, from + count). */
  async committedLeaves(logId: number, from: bigint, count: number): Promise<CommittedBlock> {
    const to = from + BigInt(count);
    const { rows } = await sql<{ requests: string | null; hashes: Uint8Array | null }>`
      select string_agg(request_id::text, '' order by leaf_index) as requests,
        (select string_agg(leaf_hash, ''::bytea order by leaf_index) from lacuna.entry
          where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}) as hashes
      from lacuna.commitment
      where log_id = ${logId} and leaf_index >= ${from} and leaf_index < ${to}`.execute(this.db);
    const requests = rows[0]?.requests ?? '';
    return {
      requestIds: Array.from({ length: requests.length / UUID_LENGTH }, (_, i) =>
        requests.slice(i * UUID_LENGTH, (i + 1) * UUID_LENGTH),
      ),
      leafHashes: rows[0]?.hashes ?? new Uint8Array(0),
    };
  }
}
