/** Rows that belong to nothing: hidden from the logs' own audit by a log id, leaf index or tree size that does not exist. */
import type { Queryable } from '@app/persistence';
import { sql } from 'kysely';
import type { AuditFinding } from './finding.js';

/** Tables whose key begins with a log id; looking only where a log id changes takes no scan. */
const OF_LOGS = ['entry', 'tile', 'checkpoint', 'commitment', 'commitment_opening'] as const;
/** Tables whose rows each belong to an entry of a commitment log. */
const OF_COMMITMENTS = ['commitment', 'commitment_opening'] as const;

const OTHERS = [
  [
    'request_subject',
    'request_id',
    'not exists (select from deletion_request request where request.request_id = row.request_id)',
  ],
  ...['checkpoint_publication', 'checkpoint_cosignature'].map(
    (table) =>
      [
        table,
        'tree_size',
        'not exists (select from checkpoint signed where signed.log_id = row.log_id and signed.tree_size = row.tree_size)',
      ] as const,
  ),
] as const;

export async function auditOrphans(on: Queryable): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [];
  const report = (table: string, column: string, total: bigint): void => {
    const problem = `${total} row(s) belong to no log and no checkpoint`;
    if (total > 0n) findings.push({ log: table, index: null, field: `${table}.${column}`, problem });
  };
  for (const table of OF_LOGS) report(table, 'log_id', await ofNoLog(on, table));
  for (const table of OF_COMMITMENTS) report(table, 'leaf_index', await ofNoEntry(on, table));
  for (const [table, column, condition] of OTHERS) {
    const { rows } = await sql<{ total: bigint }>`select count(*) as total from ${sql.table(table)} as row
      where ${sql.raw(condition)}`.execute(on);
    report(table, column, rows[0]?.total ?? 0n);
  }
  return findings;
}

async function ofNoLog(on: Queryable, table: string): Promise<bigint> {
  const { rows } = await sql<{ total: bigint }>`with recursive present (log_id) as (
      (select log_id from ${sql.table(table)} order by log_id limit 1)
      union all
      select (select log_id from ${sql.table(table)} as row where row.log_id > present.log_id order by log_id limit 1)
      from present where present.log_id is not null
    )
    select count(*) as total from ${sql.table(table)} where log_id in (
      select log_id from present where not exists (select from log where log.log_id = present.log_id)
    )`.execute(on);
  return rows[0]?.total ?? 0n;
}

/**
 * Rows beyond the end of their log, or in a log of another kind. Each log's end is found once, and then only what lies beyond
 * it is read: joined plainly, PostgreSQL looks the end up for every row.
 */
async function ofNoEntry(on: Queryable, table: string): Promise<bigint> {
  const { rows } = await sql<{ total: bigint }>`with ended as materialized (
      select log_id, case kind when 'events' then 0
        else coalesce((select max(entry.leaf_index) + 1 from entry where entry.log_id = log.log_id), 0) end as first
      from log
    )
    select coalesce(sum(beyond.total), 0)::bigint as total from ended cross join lateral (
      select count(*) as total from ${sql.table(table)} as row
      where row.log_id = ended.log_id and row.leaf_index >= ended.first
    ) as beyond`.execute(on);
  return rows[0]?.total ?? 0n;
}
