/** What postgres.js can do with a connection and Kysely knows nothing of. */
import type { DatabaseConnection } from 'kysely';
import type { Lane } from './lane-pool.js';
import type { Queryable } from './tables/database.js';

/** Runs `work` on the connection of the transaction that `on` is in, or else on any one. */
export function onLane<T>(on: Queryable, work: (lane: Lane) => Promise<T>): Promise<T> {
  // Kysely's own driver type; every connection of openKysely is a Lane.
  return on.getExecutor().provideConnection((connection: DatabaseConnection) => work(connection as Lane));
}
