/**
 * Do the fact tables say what the event log says? Each registered fact has a row and an event; the event's content
 * repeats every column of the row, so a change of either is found and the column named.
 */
import { createHash } from 'node:crypto';
import type { Database, Tables } from '@app/persistence';
import type { AuditFinding } from './finding.js';
import { asContent, parsedContent } from './opening-audit.js';

type FactTableName = Extract<
  keyof Tables,
  | 'model'
  | 'reference'
  | 'release'
  | 'release_withdrawal'
  | 'release_supersession'
  | 'artifact_recording'
  | 'sample_set'
  | 'profile'
  | 'attestation'
  | 'recurrence'
  | 'drift_check'
  | 'vault_segment'
  | 'erasure'
>;

export interface FactTable {
  readonly table: FactTableName;
  readonly eventType: string;
  /** Columns bound otherwise: by a digest column, or by the signed statement itself. */
  readonly boundOtherwise: readonly string[];
}

/** Every table whose rows are events; `event_index` leads from the row to its event. */
export const FACT_TABLES: readonly FactTable[] = [
  { table: 'model', eventType: 'model-registered', boundOtherwise: [] },
  { table: 'reference', eventType: 'reference-registered', boundOtherwise: [] },
  { table: 'release', eventType: 'release-registered', boundOtherwise: [] },
  { table: 'release_withdrawal', eventType: 'release-withdrawn', boundOtherwise: [] },
  { table: 'release_supersession', eventType: 'release-superseded', boundOtherwise: [] },
  { table: 'artifact_recording', eventType: 'recording-attached', boundOtherwise: [] },
  { table: 'sample_set', eventType: 'sample-set-registered', boundOtherwise: [] },
  { table: 'profile', eventType: 'profile-frozen', boundOtherwise: ['document'] },
  { table: 'recurrence', eventType: 'recurrence-detected', boundOtherwise: [] },
  { table: 'drift_check', eventType: 'endpoint-checked', boundOtherwise: [] },
  { table: 'vault_segment', eventType: 'samples-stored', boundOtherwise: [] },
  { table: 'erasure', eventType: 'deletion-request-erased', boundOtherwise: [] },
];

/** A digest column and the text it must be the SHA-256 of. */
const DIGESTS = [
  { table: 'profile', text: 'document', digest: 'digest' },
  { table: 'attestation', text: 'jws', digest: 'digest' },
] as const;

const camel = (column: string): string =>
  column.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());

export async function auditFacts(db: Database, eventOrigin: string): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [];
  for (const fact of FACT_TABLES) findings.push(...(await auditFactTable(db, fact, eventOrigin)));
  for (const check of DIGESTS) findings.push(...(await auditDigests(db, check)));
  return findings;
}

async function auditFactTable(db: Database, fact: FactTable, log: string): Promise<AuditFinding[]> {
  const events = await db
    .selectFrom('event')
    .select(['leaf_index', 'content'])
    .where('type', '=', fact.eventType)
    .execute();
  const rows = (await db.selectFrom(fact.table).selectAll().execute()) as Readonly<Record<string, unknown>>[];
  const byEvent = new Map(rows.map((row) => [row['event_index'] as bigint, row]));
  const findings: AuditFinding[] = [];
  for (const event of events) {
    const row = byEvent.get(event.leaf_index);
    byEvent.delete(event.leaf_index);
    const index = event.leaf_index.toString();
    if (row) findings.push(...compareRow(fact, row, event.content, { log, index }));
    else
      findings.push({
        log,
        index,
        field: `${fact.table}.event_index`,
        problem: 'no row belongs to this event',
      });
  }
  for (const index of byEvent.keys()) {
    findings.push({
      log,
      index: index.toString(),
      field: `${fact.table}.event_index`,
      problem: 'the row has no event of its kind',
    });
  }
  return findings;
}

function compareRow(
  fact: FactTable,
  row: Readonly<Record<string, unknown>>,
  text: string,
  place: { log: string; index: string },
): AuditFinding[] {
  // Content that does not parse does not open its leaf either: the log's audit names it.
  const content = parsedContent(text);
  if (!content) return [];
  return Object.entries(row)
    .filter(([column]) => column !== 'event_index' && !fact.boundOtherwise.includes(column))
    .filter(([column, value]) => asContent(content[camel(column)] ?? null) !== asContent(value))
    .map(([column]) => ({
      ...place,
      field: `${fact.table}.${column}`,
      problem: `differs from the event's "${camel(column)}"`,
    }));
}

async function auditDigests(db: Database, check: (typeof DIGESTS)[number]): Promise<AuditFinding[]> {
  const rows = (await db.selectFrom(check.table).selectAll().execute()) as Readonly<
    Record<string, unknown>
  >[];
  return rows
    .filter(
      (row) =>
        createHash('sha256')
          .update(row[check.text] as string)
          .digest('hex') !== asContent(row[check.digest]),
    )
    .map((row) => ({
      log: check.table,
      index: String(row[`${check.table}_id`]),
      field: `${check.table}.${check.text}`,
      problem: `its SHA-256 is not in ${check.table}.${check.digest}`,
    }));
}
