/**
 * COPY over the connections under Kysely, inside whatever transaction they are in: bytes in bulk without one object a row.
 * Statements are our own text; numbers and names are written into them, for COPY takes no parameters.
 */
import { onLane } from './lane-of.js';
import type { Queryable } from './tables/database.js';

/**
 * The rows of `copy (<query>) to stdout (format binary)`, each its columns as PostgreSQL sends them; null for NULL.
 * The whole result is in memory at once.
 */
export function copyOut(on: Queryable, query: string): Promise<(Buffer | null)[][]> {
  return onLane(on, async (lane) =>
    binaryRows(await lane.copyOut(`copy (${query}) to stdout (format binary)`)),
  );
}

/** Sends `bytes`, in the form the statement `copy <table> from stdin (format …)` names. */
export function copyIn(on: Queryable, statement: string, bytes: Buffer): Promise<void> {
  return onLane(on, (lane) => lane.copyIn(statement, bytes));
}

/** Signature, flags and length of the (empty) extension. */
const HEADER_BYTES = 19;

function binaryRows(bytes: Buffer): (Buffer | null)[][] {
  const rows: (Buffer | null)[][] = [];
  let at = HEADER_BYTES;
  for (let columns = bytes.readInt16BE(at); columns !== -1; columns = bytes.readInt16BE(at)) {
    at += 2;
    const row: (Buffer | null)[] = [];
    for (let column = 0; column < columns; column += 1) {
      const length = bytes.readInt32BE(at);
      at += 4;
      row.push(length === -1 ? null : bytes.subarray(at, at + length));
      at += Math.max(length, 0);
    }
    rows.push(row);
  }
  return rows;
}
