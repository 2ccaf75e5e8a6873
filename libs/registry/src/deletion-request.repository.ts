/** SQL of the table `deletion_request`, and reads of the ledger's `commitment` by request, model and sample. */
import { Inject, Injectable } from '@nestjs/common';
import { type Database, DATABASE, type Tables, type Tx } from '@app/persistence';
import type { Selectable } from 'kysely';
import { fetchPage, type KeysetOrder, type Page, type PageRequest } from './page.js';

export interface DeletionRequest {
  readonly requestId: string;
  /** Pseudonym of the data subject, as the platform knows them. */
  readonly subject: string;
  readonly regime: string;
  readonly receivedAt: Date;
  readonly dueAt: Date;
  readonly filedBy: string;
  readonly filedAt: Date;
  /** Commitments made: one for each sample and model. */
  readonly sampleCount: number;
}

/** One promise: this sample, for every release of this model from now on. */
export interface Commitment {
  readonly modelId: string;
  readonly logId: number;
  readonly leafIndex: bigint;
  readonly requestId: string;
  readonly sampleId: string;
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

@Injectable()
export class DeletionRequestRepository {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  async insert(tx: Tx, request: DeletionRequest): Promise<void> {
    await tx
      .insertInto('deletion_request')
      .values({
        request_id: request.requestId,
        subject: request.subject,
        regime: request.regime,
        received_at: request.receivedAt,
        due_at: request.dueAt,
        filed_by: request.filedBy,
        filed_at: request.filedAt,
        sample_count: request.sampleCount,
      })
      .execute();
  }

  async find(requestIds: readonly string[]): Promise<DeletionRequest[]> {
    if (requestIds.length === 0) return [];
    const query = this.db.selectFrom('deletion_request').selectAll();
    const rows = await query.where('request_id', 'in', [...requestIds]).execute();
    return rows.map(toDeletionRequest);
  }

  list(filter: DeletionRequestFilter, request: PageRequest): Promise<Page<DeletionRequest>> {
    const { modelId, subject } = filter;
    let query = this.db.selectFrom('deletion_request').selectAll();
    if (subject) query = query.where('subject', '=', subject);
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
      .select([
        'log.model_id',
        'commitment.log_id',
        'commitment.leaf_index',
        'commitment.request_id',
        'commitment.sample_id',
        'commitment.position',
      ]);
    if (filter.requestId) query = query.where('commitment.request_id', '=', filter.requestId);
    if (filter.modelId) query = query.where('log.model_id', '=', filter.modelId);
    if (filter.sampleId) query = query.where('commitment.sample_id', '=', filter.sampleId);
    return fetchPage(query, byLeaf, request, toCommitment);
  }
}

function toDeletionRequest(row: Selectable<Tables['deletion_request']>): DeletionRequest {
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

type CommitmentRow = Pick<
  Selectable<Tables['commitment']>,
  'log_id' | 'leaf_index' | 'request_id' | 'sample_id' | 'position'
> & { readonly model_id: string | null };

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
