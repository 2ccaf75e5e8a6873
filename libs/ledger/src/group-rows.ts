/**
 * The rows that a group of appends adds, as SQL. Inserts take their rows as few parameters, whatever their number, so that a
 * statement is always the same text and planned once; any of them can be put together into one statement, in which each
 * trigger and constraint is checked at the end, against all of it.
 */
import { copyIn, runPrepared, type Tables, type Tx } from '@app/persistence';
import type { FactRow } from './append-operation.js';
import { hexOf } from './bulk-values.js';
import { type ColumnType, CopyRows } from './copy-rows.js';
import type { SealedBatch } from './sealed-leaves.js';

export interface EventRow {
  readonly leafIndex: bigint;
  readonly type: string;
  readonly subjectId: string;
  readonly content: string;
  readonly salt: Uint8Array;
}

export interface StoredResponse {
  readonly contentDigest: Uint8Array;
  readonly response: unknown;
}

/** A response and the scoped idempotency key that it is found under. */
export interface Answer extends StoredResponse {
  readonly scope: string;
  readonly key: string;
}

export interface GroupRows {
  /** The next index of each log, by its id. */
  readonly heads: ReadonlyMap<number, bigint>;
  readonly entries: readonly CopyRows[];
  readonly facts: readonly FactRow[];
  readonly answers: readonly Answer[];
  readonly events: readonly EventRow[];
  readonly batches: readonly SealedBatch[];
}

/** Text of a statement, whose parameters are handed to `bind` for their `$n`. */
export type Insert = (bind: (parameter: string) => string) => string;

interface PlacedTable {
  readonly name: string;
  /** After log_id and leaf_index. */
  readonly columns: Readonly<Record<string, ColumnType>>;
}

const ENTRY: PlacedTable = { name: 'entry', columns: { leaf: 'bytea', leaf_hash: 'bytea' } };
const COMMITMENT: PlacedTable = {
  name: 'commitment',
  columns: { request_id: 'uuid', position: 'integer' },
};
const OPENING: PlacedTable = {
  name: 'commitment_opening',
  columns: { sample_id: 'text', content: 'text', salt: 'bytea' },
};

/** Rows of the tables that make up a log's leaves, for {@link copyPlaced} or {@link insertPlaced}. */
export interface PlacedRows {
  readonly table: PlacedTable;
  readonly rows: readonly CopyRows[];
}

export const entryRows = (entries: readonly CopyRows[]): PlacedRows => ({ table: ENTRY, rows: entries });

export const commitmentRows = (batches: readonly SealedBatch[]): PlacedRows[] => [
  { table: COMMITMENT, rows: batches.map(({ commitments }) => commitments) },
  { table: OPENING, rows: batches.map(({ openings }) => openings) },
];

const columnsOf = ({ columns }: PlacedTable): string =>
  ['log_id', 'leaf_index', ...Object.keys(columns)].join(', ');

/** By COPY: cheapest for thousands of rows, but it takes two round trips and is a statement of its own. */
export async function copyPlaced(tx: Tx, { table, rows }: PlacedRows): Promise<void> {
  const statement = `copy ${table.name} (${columnsOf(table)}) from stdin (format binary)`;
  await copyIn(tx, statement, CopyRows.message(rows));
}

export function insertPlaced({ table, rows }: PlacedRows): Insert {
  const types = Object.values(table.columns);
  const arrays = CopyRows.arrays(rows, types);
  const typed = ['integer', 'bigint', ...types];
  return (bind) => `insert into ${table.name} (${columnsOf(table)})
    select * from unnest(${arrays.map((array, n) => `${bind(array)}::${typed[n]}[]`).join(', ')})`;
}

export function moveHeads(heads: ReadonlyMap<number, bigint>): Insert {
  return (bind) => `update log_head set next_index = moved.next_index
    from unnest(${bind(`{${[...heads.keys()].join(',')}}`)}::integer[], ${bind(`{${[...heads.values()].join(',')}}`)}::bigint[])
      as moved (log_id, next_index)
    where log_head.log_id = moved.log_id`;
}

/** Those of one table together, the tables in the order they first come in; all of a table name the same columns. */
export function insertFacts(facts: readonly FactRow[]): Insert[] {
  const byTable = new Map<FactRow['table'], FactRow['values'][]>();
  for (const { table, values } of facts) {
    const rows = byTable.get(table) ?? [];
    rows.push(values);
    byTable.set(table, rows);
  }
  return [...byTable].map(([table, rows]) => insertRecords(table, rows));
}

export const insertEvents = (events: readonly EventRow[]): Insert =>
  insertRecords(
    'event',
    events.map(({ leafIndex, type, subjectId, content, salt }) => ({
      leaf_index: String(leafIndex),
      type,
      subject_id: subjectId,
      content,
      salt: `\\x${hexOf(salt)}`,
    })),
  );

export const insertAnswers = (answers: readonly Answer[]): Insert =>
  insertRecords(
    'idempotency_key',
    answers.map(({ scope, key, contentDigest, response }) => ({
      scope,
      key,
      content_digest: `\\x${hexOf(contentDigest)}`,
      // Wrapped: a bare null would be read back as no answer at all.
      response: { value: response },
    })),
  );

/** As one JSON parameter, which PostgreSQL reads by the types of the table's columns. */
function insertRecords(table: keyof Tables, rows: readonly object[]): Insert {
  const columns = Object.keys(rows[0]!).join(', ');
  return (bind) => `insert into ${table} (${columns})
    select ${columns} from json_populate_recordset(null::${table}, ${bind(JSON.stringify(rows))}::text::json)`;
}

/** All of a group; heads first, for the eye only: nothing is checked before the end of the statement. */
export function insertsOf({ heads, entries, facts, answers, events, batches }: GroupRows): Insert[] {
  return [
    ...(heads.size > 0 ? [moveHeads(heads)] : []),
    ...(entries.length > 0 ? [insertPlaced(entryRows(entries))] : []),
    ...insertFacts(facts),
    ...(answers.length > 0 ? [insertAnswers(answers)] : []),
    ...(events.length > 0 ? [insertEvents(events)] : []),
    ...(batches.length > 0 ? commitmentRows(batches).map(insertPlaced) : []),
  ];
}

/** Runs `inserts` as one statement; does nothing where there are none. */
export async function runInserts(tx: Tx, inserts: readonly Insert[]): Promise<void> {
  if (inserts.length === 0) return;
  const parameters: string[] = [];
  const bind = (parameter: string): string => `$${parameters.push(parameter)}`;
  const texts = inserts.map((insert) => insert(bind));
  const together = texts.map((text, n) => `part_${n} as (${text})`).join(', ');
  await runPrepared(tx, texts.length === 1 ? texts[0]! : `with ${together} select`, parameters);
}
