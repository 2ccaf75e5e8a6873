/** What opens the leaves of a log, with the columns that must repeat it, as the audit reads them row by row. */
import { type Queryable, runPrepared } from '@app/persistence';
import type { LogRow } from '../ledger.repository.js';
import { COMMITMENT_TYPE } from '../sealed-leaves.js';
import type { MirroredColumn, OpeningClaim } from './opening-audit.js';

const ATTESTATION_TYPE = 'attestation';

export type LeaflessClaim = Omit<OpeningClaim, 'leaf'>;

/** By leaf index, from `first` up to and without `end`. */
export async function openingClaims(
  on: Queryable,
  log: LogRow,
  first: bigint,
  end: bigint,
): Promise<Map<bigint, LeaflessClaim>> {
  return new Map(
    log.kind === 'events' ? await eventClaims(on, first, end) : await commitmentClaims(on, log, first, end),
  );
}

async function eventClaims(on: Queryable, first: bigint, end: bigint): Promise<[bigint, LeaflessClaim][]> {
  const rows = await on
    .selectFrom('event')
    .selectAll()
    .where('leaf_index', '>=', first)
    .where('leaf_index', '<', end)
    .execute();
  return rows.map((row) => [
    row.leaf_index,
    {
      table: 'event',
      opening: { type: row.type, content: row.content, salt: row.salt },
      // An attestation's id is in no content: the verification lib's audit compares it with the attestation row.
      columns:
        row.type === ATTESTATION_TYPE || row.content.includes(row.subject_id)
          ? []
          : [{ field: 'event.subject_id', key: 'subject', value: row.subject_id }],
    },
  ]);
}

async function commitmentClaims(
  on: Queryable,
  log: LogRow,
  first: bigint,
  end: bigint,
): Promise<[bigint, LeaflessClaim][]> {
  const rows = await on
    .selectFrom('commitment')
    .innerJoin('commitment_opening as opening', (join) =>
      join
        .onRef('opening.log_id', '=', 'commitment.log_id')
        .onRef('opening.leaf_index', '=', 'commitment.leaf_index'),
    )
    .innerJoin('deletion_request as request', 'request.request_id', 'commitment.request_id')
    .leftJoin('request_subject', 'request_subject.request_id', 'commitment.request_id')
    .selectAll('opening')
    .selectAll('request')
    .select(['position', 'subject'])
    .where('commitment.log_id', '=', log.logId)
    .where('commitment.leaf_index', '>=', first)
    .where('commitment.leaf_index', '<', end)
    .execute();
  return rows.map((row) => [
    row.leaf_index,
    {
      table: 'commitment_opening',
      opening: { type: COMMITMENT_TYPE, content: row.content, salt: row.salt },
      columns: [
        ...requestColumns(log, row),
        { field: 'commitment_opening.sample_id', key: 'sample', value: row.sample_id },
        { field: 'commitment.position', key: 'position', value: row.position },
      ],
    },
  ]);
}

interface RequestRow {
  readonly request_id: string;
  readonly subject: string | null;
  readonly regime: string;
  readonly received_at: Date;
  readonly due_at: Date;
  readonly filed_by: string;
  readonly filed_at: Date;
  readonly sample_count: number;
}

/** The columns that are the same for every commitment of a request in a log. */
function requestColumns(log: LogRow, row: RequestRow): MirroredColumn[] {
  return [
    { field: 'log.model_id', key: 'model', value: log.modelId },
    { field: 'commitment.request_id', key: 'request', value: row.request_id },
    { field: 'request_subject.subject', key: 'subject', value: row.subject },
    { field: 'deletion_request.regime', key: 'regime', value: row.regime },
    { field: 'deletion_request.received_at', key: 'receivedAt', value: row.received_at },
    { field: 'deletion_request.due_at', key: 'dueAt', value: row.due_at },
    { field: 'deletion_request.filed_by', key: 'filedBy', value: row.filed_by },
    { field: 'deletion_request.filed_at', key: 'filedAt', value: row.filed_at },
    { field: 'deletion_request.sample_count', key: 'sampleCount', value: row.sample_count },
  ];
}

/** By request, the columns that repeat what the contents of its commitments in that log say. */
export async function requestsOf(
  on: Queryable,
  log: LogRow,
  requestIds: readonly string[],
): Promise<Map<string, MirroredColumn[]>> {
  const rows = await runPrepared<RequestRow>(
    on,
    `select request.*, subject from deletion_request as request left join request_subject using (request_id)
      where request_id = any($1::uuid[])`,
    [requestIds],
  );
  return new Map(rows.map((row) => [row.request_id, requestColumns(log, row)]));
}
