/** A thread of the audit: takes orders, answers each, over the snapshot it is given. Ends when it is terminated. */
import { workerData } from 'node:worker_threads';
import { connect, openKysely } from '@app/persistence';
import { serveOrders } from '@app/threads';
import { sql } from 'kysely';
import type { ThreadStart } from './audit-threads.js';
import { chunkAuditor } from './chunk-audit.js';
import type { ChunkAnswer, ChunkOrder } from './chunk.js';

const { address, snapshot } = workerData as ThreadStart;
const db = openKysely(connect(address, { as: 'application', name: 'lacuna-audit', poolSize: 1 }));

await db
  .transaction()
  .setIsolationLevel('repeatable read')
  .setAccessMode('read only')
  .execute(async (tx) => {
    await sql`set transaction snapshot ${sql.lit(snapshot)}`.execute(tx);
    // Rows are read in the order of their index. Without statistics PostgreSQL would fetch them otherwise, and sort.
    await sql`set local enable_bitmapscan = off`.execute(tx);
    serveOrders<ChunkOrder, ChunkAnswer>(chunkAuditor(tx));
    // The snapshot is held until the thread is terminated.
    await new Promise(() => undefined);
  });
