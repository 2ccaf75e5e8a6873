/** Owns what a verification concluded: `verification_outcome`, `result_block`, `request_result`. */
import { DATABASE, type Database, runPrepared, type Tx, type VerificationResult } from '@app/persistence';
import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { LeafBlock } from './conclusion.js';
import type { RequestVerdict } from './verdict.js';
import type { VerificationSummary } from './summary.js';

export interface Outcome {
  readonly verificationId: string;
  readonly result: VerificationResult;
  /** Root of the result tree, 32 bytes. */
  readonly resultRoot: Uint8Array;
  readonly summary: VerificationSummary;
  readonly concludedAt: Date;
}

/** The verdict on one deletion request under one verification. */
export interface RequestResult {
  readonly verificationId: string;
  readonly requestId: string;
  readonly verdict: RequestVerdict;
  /** Scored samples. */
  readonly sampleCount: number;
  /** Mean completeness of the scored samples; 1 = as if never trained on. Null without one. */
  readonly statistic: number | null;
  readonly pResidual: number | null;
  readonly pMember: number | null;
  readonly pOver: number | null;
}

/** Bounds what one statement holds in memory, here and there; fewer cost more statements. */
const ROWS_PER_INSERT = 10_000;

@Injectable()
export class ResultRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async outcome(verificationId: string): Promise<Outcome | undefined> {
    const row = await this.db
      .selectFrom('verification_outcome')
      .selectAll()
      .where('verification_id', '=', verificationId)
      .executeTakeFirst();
    return (
      row && {
        verificationId: row.verification_id,
        result: row.result,
        resultRoot: row.result_root,
        summary: row.summary as VerificationSummary,
        concludedAt: row.concluded_at,
      }
    );
  }

  /** What the newest verification of exactly these commitments under the profile found, whatever the release. */
  async summaryOfTree(profileId: string, treeSize: bigint): Promise<VerificationSummary | undefined> {
    const row = await this.db
      .selectFrom('verification_outcome')
      .innerJoin('verification', 'verification.verification_id', 'verification_outcome.verification_id')
      .select('summary')
      .where('profile_id', '=', profileId)
      .where('tree_size', '=', treeSize)
      .orderBy('concluded_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row?.summary as VerificationSummary | undefined;
  }

  async insertOutcome(tx: Tx, outcome: Outcome): Promise<void> {
    await tx
      .insertInto('verification_outcome')
      .values({
        verification_id: outcome.verificationId,
        result: outcome.result,
        result_root: outcome.resultRoot,
        summary: outcome.summary,
        concluded_at: outcome.concludedAt,
      })
      .execute();
  }

  async insertBlock(tx: Tx, verificationId: string, { blockIndex, lines }: LeafBlock): Promise<void> {
    await runPrepared(
      tx,
      'insert into result_block (verification_id, block_index, leaves) values ($1::uuid, $2::integer, $3::text)',
      [verificationId, blockIndex, lines],
    );
  }

  /** The result leaves of one block, in index order. */
  async blockLeaves(verificationId: string, blockIndex: number): Promise<string[] | undefined> {
    const row = await this.db
      .selectFrom('result_block')
      .select('leaves')
      .where('verification_id', '=', verificationId)
      .where('block_index', '=', blockIndex)
      .executeTakeFirst();
    return row?.leaves.split('\n');
  }

  async insertRequestResults(tx: Tx, results: readonly RequestResult[]): Promise<void> {
    for (let from = 0; from < results.length; from += ROWS_PER_INSERT) {
      const some = results.slice(from, from + ROWS_PER_INSERT);
      const column = <K extends keyof RequestResult>(key: K): RequestResult[K][] =>
        some.map((result) => result[key]);
      await sql`insert into request_result (verification_id, request_id, verdict, sample_count, statistic, p_residual,
          p_member, p_over)
        select * from unnest(${column('verificationId')}::uuid[], ${column('requestId')}::uuid[],
          ${column('verdict')}::text[], ${column('sampleCount')}::integer[],
          ${column('statistic')}::double precision[], ${column('pResidual')}::double precision[],
          ${column('pMember')}::double precision[], ${column('pOver')}::double precision[])`.execute(tx);
    }
  }

  /** By request id, behind `after`. */
  async requestResults(
    verificationId: string,
    filter: { readonly verdict?: RequestVerdict | undefined },
    after: string | null,
    limit: number,
  ): Promise<RequestResult[]> {
    let query = this.db
      .selectFrom('request_result')
      .selectAll()
      .where('verification_id', '=', verificationId);
    if (filter.verdict) query = query.where('verdict', '=', filter.verdict);
    if (after !== null) query = query.where('request_id', '>', after);
    return (await query.orderBy('request_id').limit(limit).execute()).map(fromRow);
  }

  async requestResult(verificationId: string, requestId: string): Promise<RequestResult | undefined> {
    const row = await this.db
      .selectFrom('request_result')
      .selectAll()
      .where('verification_id', '=', verificationId)
      .where('request_id', '=', requestId)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Id of the newest concluded verification that said something about the request; of one release where given. */
  async newestOn(requestId: string, releaseId?: string): Promise<string | undefined> {
    let query = this.db
      .selectFrom('request_result')
      .innerJoin('verification', 'verification.verification_id', 'request_result.verification_id')
      .select('request_result.verification_id')
      .where('request_result.request_id', '=', requestId);
    if (releaseId !== undefined) query = query.where('verification.release_id', '=', releaseId);
    const row = await query.orderBy('verification.requested_at', 'desc').limit(1).executeTakeFirst();
    return row?.verification_id;
  }

  /** What every verification said about one request, newest first. */
  async historyOf(requestId: string, limit: number): Promise<RequestResult[]> {
    const rows = await this.db
      .selectFrom('request_result')
      .innerJoin('verification', 'verification.verification_id', 'request_result.verification_id')
      .selectAll('request_result')
      .where('request_result.request_id', '=', requestId)
      .orderBy('verification.requested_at', 'desc')
      .limit(limit)
      .execute();
    return rows.map(fromRow);
  }
}

interface Row {
  verification_id: string;
  request_id: string;
  verdict: string;
  sample_count: number;
  statistic: number | null;
  p_residual: number | null;
  p_member: number | null;
  p_over: number | null;
}

function fromRow(row: Row): RequestResult {
  return {
    verificationId: row.verification_id,
    requestId: row.request_id,
    verdict: row.verdict as RequestVerdict,
    sampleCount: row.sample_count,
    statistic: row.statistic,
    pResidual: row.p_residual,
    pMember: row.p_member,
    pOver: row.p_over,
  };
}
