/**
 * SQL of the tables `deletion_request` and `request_subject`, and reads of the ledger's `commitment` and
 * `commitment_opening` by request, model and sample.
 */
import { Inject, Injectable } from '@nestjs/common';
import type { FactRow } from '@app/ledger';
import { type Database, DATABASE, type Queryable, type Tables, type Tx } from '@app/persistence';
import { type Selectable, sql } from 'kysely';
import { fetchPage, type KeysetOrder, type Page, type PageRequest } from './page.js';

export interface DeletionRequest {
  readonly requestId: string;
  /** Pseudonym of the data subject, as the platform knows them; null once the request is erased. */
  readonly subject: string | null;
  readonly regime: string;
  readonly receivedAt: Date;
  readonly dueAt: Date;
  readonly filedBy: string;
  readonly filedAt: Date;
  /** Commitments made: one for each sample and model. */
  readonly sampleCount: number;
}

export interface NewDeletionRequest extends DeletionRequest {
  readonly subject: string;
}

/** The idempotency key that stands for a filing. */
export interface FilingKey {
  readonly scope: string;
  readonly key: string;
}

/** One promise: this sample, for every release of this model from now on. */
export interface Commitment {
  readonly modelId: string;
  readonly logId: number;
  readonly leafIndex: bigint;
  readonly requestId: string;
  /** Null once the request is erased. */
  readonly sampleId: string | null;
  /** 1 for the request's first commitment in this model's log. */
  readonly position: number;
}

export interface DeletionRequestFilter {
  readonly modelId?: string | null | undefined;
  readonly subject?: string | null | undefined;
}

export interface CommitmentFilter {
  readonly requestId?: string | null | undefined;
  readonly modelId?: string | null | undefined;
  readonly sampleId?: string | null | undefined;
}

const byFiling: KeysetOrder<DeletionRequest> = {
  name: 'deletion_request',
  columns: [
    { column: 'deletion_request.filed_at', type: 'timestamptz' },
    { column: 'deletion_request.request_id', type: 'uuid' },
  ],
  keyOf: (request) => [request.filedAt, request.requestId],
};

const byLeaf: KeysetOrder<Commitment> = {
  name: 'commitment',
  columns: [
    { column: 'commitment.log_id', type: 'bigint' },
    { column: 'commitment.leaf_index', type: 'bigint' },
  ],
  keyOf: (commitment) => [commitment.logId, commitment.leafIndex],
};

/** The rows of a request, for the ledger to insert. */
export function requestRows(request: NewDeletionRequest, filedUnder: FilingKey): FactRow[] {
  return [
    {
      table: 'deletion_request',
      values: {
        request_id: request.requestId,
        regime: request.regime,
        received_at: request.receivedAt,
        due_at: request.dueAt,
        filed_by: request.filedBy,
        filed_at: request.filedAt,
        sample_count: request.sampleCount,
      },
    },
    {
      table: 'request_subject',
      values: {
        request_id: request.requestId,
        subject: request.subject,
        filed_scope: filedUnder.scope,
        filed_key: filedUnder.key,
      },
    },
  ];
}

@Injectable()
export class DeletionRequestRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  /** Whether a commitment of the model names one of `sampleIds`. */
  async anyCommitted(on: Queryable, modelId: string, sampleIds: readonly string[]): Promise<boolean> {
    const { rows } = await sql<{ found: boolean }>`
      select exists (
        select from lacuna.log join lacuna.commitment_opening using (log_id)
        where log.model_id = ${modelId} and sample_id = any (${[...sampleIds]}::text[])
      ) as found`.execute(on);
    return rows[0]!.found;
  }

  /** Many requests that were filed together, in two statements. */
  async insertAll(tx: Tx, requests: readonly NewDeletionRequest[], filedUnder: FilingKey): Promise<void> {
    const column = <Value>(of: (request: NewDeletionRequest) => Value): Value[] => requests.map(of);
    const ids = column(({ requestId }) => requestId);
    await sql`insert into deletion_request
        (request_id, regime, received_at, due_at, filed_by, filed_at, sample_count)
      select * from unnest(${ids}::uuid[], ${column(({ regime }) => regime)}::text[],
        ${column(({ receivedAt }) => receivedAt.toISOString())}::timestamptz[],
        ${column(({ dueAt }) => dueAt.toISOString())}::timestamptz[], ${column(({ filedBy }) => filedBy)}::text[],
        ${column(({ filedAt }) => filedAt.toISOString())}::timestamptz[],
        ${column(({ sampleCount }) => sampleCount)}::int[])`.execute(tx);
    await sql`insert into request_subject (request_id, subject, filed_scope, filed_key)
      select request_id, subject, ${filedUnder.scope}::text, ${filedUnder.key}::text
      from unnest(${ids}::uuid[], ${column(({ subject }) => subject)}::text[]) as rows (request_id, subject)`.execute(
      tx,
    );
  }

  async find(requestIds: readonly string[]): Promise<DeletionRequest[]> {
    if (requestIds.length === 0) return [];
    const rows = await this.withSubjects()
      .where('deletion_request.request_id', 'in', [...requestIds])
      .execute();
    return rows.map(toDeletionRequest);
  }

  list(filter: DeletionRequestFilter, request: PageRequest): Promise<Page<DeletionRequest>> {
    const { modelId, subject } = filter;
    let query = this.withSubjects();
    if (subject) query = query.where('request_subject.subject', '=', subject);
    if (modelId) {
      query = query.where((where) =>
        where.exists(
          where
            .selectFrom('commitment')
            .innerJoin('log', 'log.log_id', 'commitment.log_id')
            .whereRef('commitment.request_id', '=', 'deletion_request.request_id')
            .where('log.model_id', '=', modelId)
            .select('commitment.leaf_index'),
        ),
      );
    }
    return fetchPage(query, byFiling, request, toDeletionRequest);
  }

  commitments(filter: CommitmentFilter, request: PageRequest): Promise<Page<Commitment>> {
    let query = this.db
      .selectFrom('commitment')
      .innerJoin('log', 'log.log_id', 'commitment.log_id')
      .leftJoin('commitment_opening', (join) =>
        join
          .onRef('commitment_opening.log_id', '=', 'commitment.log_id')
          .onRef('commitment_opening.leaf_index', '=', 'commitment.leaf_index'),
      )
      .select([
        'log.model_id',
        'commitment.log_id',
        'commitment.leaf_index',
        'commitment.request_id',
        'commitment_opening.sample_id',
        'commitment.position',
      ]);
    if (filter.requestId) query = query.where('commitment.request_id', '=', filter.requestId);
    if (filter.modelId) query = query.where('log.model_id', '=', filter.modelId);
    if (filter.sampleId) query = query.where('commitment_opening.sample_id', '=', filter.sampleId);
    return fetchPage(query, byLeaf, request, toCommitment);
  }

  private withSubjects() {
    return this.db
      .selectFrom('deletion_request')
      .leftJoin('request_subject', 'request_subject.request_id', 'deletion_request.request_id')
      .selectAll('deletion_request')
      .select('request_subject.subject');
  }
}

function toDeletionRequest(
  row: Selectable<Tables['deletion_request']> & { readonly subject: string | null },
): DeletionRequest {
  return {
    requestId: row.request_id,
    subject: row.subject,
    regime: row.regime,
    receivedAt: row.received_at,
    dueAt: row.due_at,
    filedBy: row.filed_by,
    filedAt: row.filed_at,
    sampleCount: row.sample_count,
  };
}

type CommitmentRow = Selectable<Tables['commitment']> & {
  readonly model_id: string | null;
  readonly sample_id: string | null;
};

function toCommitment(row: CommitmentRow): Commitment {
  return {
    modelId: row.model_id!,
    logId: row.log_id,
    leafIndex: row.leaf_index,
    requestId: row.request_id,
    sampleId: row.sample_id,
    position: row.position,
  };
}
