/**
 * Erased requests: the opening of a leaf may be missing exactly when an erasure says so, and the event of the erasure
 * repeats what the leaf can no longer prove. Here the event is held against what is left: the request's row, which leaves
 * were its, what remained of recordings, and that nothing of it came back. That the event itself is intact, the event log's own audit
 * says; that `erasure` and its events correspond, ./fact-audit.ts. Proven by test/medium/erasure.spec.ts
 * and attack-columns.spec.ts.
 */
import type { Database, Queryable } from '@app/persistence';
import { type RawBuilder, sql } from 'kysely';
import type { AuditFinding } from './finding.js';
import { asContent, parsedContent } from './opening-audit.js';

/** Erasures looked at in one round of queries. */
const BATCH = 1_000;

interface ErasureEvent {
  readonly event_index: bigint;
  readonly erasure_id: string;
  readonly request_id: string;
  readonly content: string;
}

type Row = Readonly<Record<string, unknown>>;

/** Leaf indexes from `first` up to and without `end` whose opening an erasure destroyed. */
export async function erasedLeaves(
  on: Queryable,
  logId: number,
  first: bigint,
  end: bigint,
): Promise<Set<bigint>> {
  const rows = await on
    .selectFrom('commitment')
    .innerJoin('erasure', 'erasure.request_id', 'commitment.request_id')
    .select('leaf_index')
    .where('log_id', '=', logId)
    .where('leaf_index', '>=', first)
    .where('leaf_index', '<', end)
    .execute();
  return new Set(rows.map((row) => row.leaf_index));
}

export async function auditErasures(db: Database, log: string): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [];
  for (let after = -1n; ;) {
    const events = await db
      .selectFrom('erasure')
      .innerJoin('event', 'event.leaf_index', 'erasure.event_index')
      .select(['erasure.event_index', 'erasure_id', 'request_id', 'content'])
      .where('erasure.event_index', '>', after)
      .orderBy('erasure.event_index')
      .limit(BATCH)
      .execute();
    if (events.length === 0) return findings;
    findings.push(...(await auditBatch(db, log, events)));
    after = events.at(-1)!.event_index;
  }
}

/** What is stored now under each key of the event's content, by request. */
async function auditBatch(
  db: Database,
  log: string,
  events: readonly ErasureEvent[],
): Promise<AuditFinding[]> {
  const ids = sql`any(${events.map(({ request_id: id }) => id)}::uuid[])`;
  const [requests, leaves, signals, remains] = [
    await REQUESTS(ids).execute(db),
    await LEAVES(ids).execute(db),
    await SIGNALS(ids).execute(db),
    await REMAINS(ids).execute(db),
  ].map(({ rows }) => grouped(rows));
  return events.flatMap(({ event_index, request_id: id, content: text }) => {
    // Content that does not parse does not open its leaf either: the log's audit names it.
    const content = parsedContent(text);
    if (!content) return [];
    const problems = [
      ...requestProblems(requests!.get(id)?.[0], content),
      ...listProblems('commitment', leaves!.get(id) ?? [], content['leaves']),
      ...listProblems('erased_signals', signals!.get(id) ?? [], content['signals']),
      ...(remains!.get(id) ?? []).map(
        (row) => [String(row['field']), 'an erased request has it again'] as const,
      ),
    ];
    return problems.map(([field, problem]) => ({ log, index: event_index.toString(), field, problem }));
  });
}

type Query = (ids: RawBuilder<unknown>) => RawBuilder<Row>;

const REQUESTS: Query = (ids) => sql`
  select request_id, regime, received_at, due_at, filed_by, filed_at, sample_count
  from deletion_request where request_id = ${ids}`;

const LEAVES: Query = (ids) => sql`
  select request_id, model_id as "modelId", min(leaf_index)::text as "firstIndex", min(position) as "firstPosition",
    count(*)::integer as count
  from commitment left join log using (log_id) where request_id = ${ids}
  group by request_id, log_id, model_id, leaf_index - position order by log_id, min(leaf_index)`;

const SIGNALS: Query = (ids) => sql`
  select request_id, recording_id as "recordingId", rows_erased as "rowsErased", rows_left as "rowsLeft",
    encode(digest_left, 'hex') as "digestLeft"
  from erasure join erased_signals using (erasure_id) where request_id = ${ids} order by recording_id`;

const REMAINS: Query = (ids) => sql`
  select distinct request_id, 'commitment_opening.log_id' as field
  from commitment join commitment_opening using (log_id, leaf_index) where request_id = ${ids}
  union all select request_id, 'request_subject.subject' from request_subject where request_id = ${ids}`;

const COLUMNS = {
  regime: 'regime',
  received_at: 'receivedAt',
  due_at: 'dueAt',
  filed_by: 'filedBy',
  filed_at: 'filedAt',
  sample_count: 'sampleCount',
} as const;

type Problem = readonly [field: string, problem: string];

function requestProblems(row: Row | undefined, content: Row): Problem[] {
  if (!row) return [['deletion_request.request_id', 'the erased request has no row']];
  return Object.entries(COLUMNS)
    .filter(([column, key]) => asContent(row[column]) !== asContent(content[key]))
    .map(([column, key]) => [`deletion_request.${column}`, `differs from the erasure's "${key}"`]);
}

const FIELD_OF: Readonly<Record<string, string>> = {
  modelId: 'log_id',
  firstIndex: 'leaf_index',
  firstPosition: 'position',
  count: 'request_id',
  recordingId: 'recording_id',
  rowsErased: 'rows_erased',
  rowsLeft: 'rows_left',
  digestLeft: 'digest_left',
};

/** The first row that differs from what the event lists, by the first key that does. */
function listProblems(table: string, rows: readonly Row[], said: unknown): Problem[] {
  const listed = Array.isArray(said) ? (said as readonly Row[]) : [];
  if (rows.length !== listed.length) {
    const field = table === 'commitment' ? 'request_id' : 'erasure_id';
    const problem = `there are ${rows.length} entries, the erasure says ${listed.length}`;
    return [[`${table}.${field}`, problem]];
  }
  return rows.flatMap((row, at): Problem[] => {
    const key = Object.keys(row)
      .filter((one) => one in FIELD_OF)
      .find((one) => asContent(row[one]) !== asContent(listed[at]?.[one]));
    return key === undefined ? [] : [[`${table}.${FIELD_OF[key]!}`, `differs from the erasure's "${key}"`]];
  });
}

function grouped(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const id = row['request_id'] as string;
    groups.set(id, [...(groups.get(id) ?? []), row]);
  }
  return groups;
}
