/**
 * COPY over the connections under Kysely, inside whatever transaction they are in: bytes in bulk without one object a row.
 * Statements are our own text; numbers and names are written into them, for COPY takes no parameters.
 */
import { CopiedRows } from './copied-rows.js';
import { onLane } from './lane-of.js';
import type { Queryable } from './tables/database.js';

/**
 * The rows of `copy (<query>) to stdout (format binary)`, each its columns as PostgreSQL sends them; null for NULL.
 * The whole result is in memory at once.
 */
export async function copyOut(on: Queryable, query: string): Promise<(Buffer | null)[][]> {
  const rows = new CopiedRows();
  await copyRows(on, query, rows);
  return rows.values();
}

/** As {@link copyOut}, for many rows, many times: in place of whatever `rows` held. */
export function copyRows(on: Queryable, query: string, rows: CopiedRows): Promise<void> {
  return onLane(on, (lane) => lane.copyOut(`copy (${query}) to stdout (format binary)`, rows));
}

/** Sends `bytes`, in the form the statement `copy <table> from stdin (format …)` names. */
export function copyIn(on: Queryable, statement: string, bytes: Buffer): Promise<void> {
  return onLane(on, (lane) => lane.copyIn(statement, bytes));
}
