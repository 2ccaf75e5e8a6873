/** Kysely over postgres.js connections that are given up as soon as they are lost (lane-pool.ts). */
import { type DatabaseConnection, PostgresDriver } from 'kysely';
import { PostgresJSDialect } from 'kysely-postgres-js';
import type { Sql } from './connect.js';
import { type Lane, LanePool } from './lane-pool.js';

/** How long connections in use may still work when the database is closed without a word about it. */
const CLOSE_TIMEOUT_SECONDS = 5;

export class GuardedDialect extends PostgresJSDialect {
  constructor(private readonly sql: Sql) {
    super({ postgres: sql });
  }

  override createDriver(): never {
    // The declared type is the driver that this one replaces; Kysely asks for nothing but its interface.
    return new GuardedDriver(new LanePool(this.sql), this.sql) as never;
  }
}

class GuardedDriver extends PostgresDriver {
  constructor(
    private readonly pool: LanePool,
    sql: Sql,
  ) {
    // Kysely's own driver wants a node-postgres pool; everything that would use it is overridden.
    super({} as never);
    closeTogether(sql, pool);
  }

  override init(): Promise<void> {
    return Promise.resolve();
  }

  override acquireConnection(): Promise<DatabaseConnection> {
    return this.pool.acquire();
  }

  override releaseConnection(connection: DatabaseConnection): Promise<void> {
    this.pool.release(connection as Lane);
    return Promise.resolve();
  }

  override destroy(): Promise<void> {
    return this.pool.end(CLOSE_TIMEOUT_SECONDS);
  }
}

/** Whoever closes `sql` closes the database over it. */
function closeTogether(sql: Sql, pool: LanePool): void {
  const end = sql.end.bind(sql);
  sql.end = async (options) => {
    await Promise.all([pool.end(options?.timeout ?? CLOSE_TIMEOUT_SECONDS), end(options)]);
  };
}
