import { sql } from 'kysely';
import type { Tx } from './tables/database.js';

/**
 * For what can be computed again: the commit of `tx` is not waited for to reach the disk. A crash of the server may lose it
 * for up to three times `wal_writer_delay`, whole and never alone: whatever was committed after it is lost with it, and what a
 * later, ordinary commit makes durable keeps it too (PostgreSQL manual, "Asynchronous Commit").
 */
export async function commitLazily(tx: Tx): Promise<void> {
  await sql`set local synchronous_commit to off`.execute(tx);
}
