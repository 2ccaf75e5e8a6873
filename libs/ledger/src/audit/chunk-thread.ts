/** A thread of the audit: takes orders, answers each, over the snapshot it is given. Ends when it is terminated. */
import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '@app/errors';
import { connect, openKysely } from '@app/persistence';
import { sql } from 'kysely';
import type { ThreadAnswer, ThreadStart } from './audit-threads.js';
import { auditChunk } from './chunk-audit.js';
import type { ChunkOrder } from './chunk.js';

invariant(parentPort, 'this file is the start of a thread');
const port = parentPort;
const { address, snapshot } = workerData as ThreadStart;
const db = openKysely(connect(address, { as: 'application', name: 'lacuna-audit', poolSize: 1 }));
const orders: ChunkOrder[] = [];
let wake = (): void => undefined;
port.on('message', (order: ChunkOrder) => {
  orders.push(order);
  wake();
});

const nextOrder = async (): Promise<ChunkOrder> => {
  while (orders.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  return orders.shift()!;
};

try {
  await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      await sql`set transaction snapshot ${sql.lit(snapshot)}`.execute(tx);
      for (;;) {
        const answer: ThreadAnswer = { answer: await auditChunk(tx, await nextOrder()) };
        port.postMessage(answer);
      }
    });
} catch (error) {
  const answer: ThreadAnswer = {
    failure: error instanceof Error ? error.message : 'a thread of the audit failed',
  };
  port.postMessage(answer);
}
