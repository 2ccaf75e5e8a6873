/**
 * Kysely's driver over postgres.js that survives the loss of a connection. A reserved connection of postgres.js does
 * not notice that its socket is gone: the next statement on it (the rollback, to begin with) is written to nothing and
 * throws outside of every promise or is never answered, and releasing it puts the dead connection back among the living
 * ones. Here the first sign of a loss ends the reservation: later statements are refused at once, and the pool makes a
 * new connection by itself. Proven by test/fault/lost-connection.spec.ts.
 */
import { type CompiledQuery, type DatabaseConnection, PostgresDriver, type QueryResult } from 'kysely';
import { PostgresJSDialect } from 'kysely-postgres-js';
import type { ReservedSql } from 'postgres';
import type { Sql } from './connect.js';
import { isConnectionLoss } from './connection-loss.js';

export class GuardedDialect extends PostgresJSDialect {
  constructor(private readonly sql: Sql) {
    super({ postgres: sql });
  }

  override createDriver(): never {
    // The declared type is the driver that this one replaces; Kysely asks for nothing but its interface.
    return new GuardedDriver(this.sql) as never;
  }
}

class GuardedDriver extends PostgresDriver {
  constructor(private readonly sql: Sql) {
    // Kysely's own driver wants a node-postgres pool; everything that would use it is overridden.
    super({} as never);
  }

  override init(): Promise<void> {
    return Promise.resolve();
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return new GuardedConnection(await this.sql.reserve());
  }

  override releaseConnection(connection: DatabaseConnection): Promise<void> {
    (connection as GuardedConnection).release();
    return Promise.resolve();
  }

  override destroy(): Promise<void> {
    return this.sql.end();
  }
}

/** What postgres.js calls when the connection under a reservation closes; not part of its declared types. */
interface ClosingConnection {
  onclose: ((error: Error) => void) | null;
}

class GuardedConnection implements DatabaseConnection {
  private loss: Error | null = null;
  private readonly options = {
    onexecute: (connection: ClosingConnection): boolean => {
      connection.onclose = (error) => (this.loss ??= error);
      return true;
    },
  };

  constructor(private readonly reserved: ReservedSql) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.loss) throw this.loss;
    try {
      const rows = await this.reserved.unsafe<R[]>(sql, [...parameters] as never[], this.options as object);
      return { rows: Array.from(rows), ...affectedRows(rows.command, rows.count) };
    } catch (error) {
      if (isConnectionLoss(error)) this.loss ??= error as Error;
      throw error;
    }
  }

  streamQuery(): never {
    throw new Error('rows are read in pages here, not streamed');
  }

  /** A lost connection is the pool's already; giving it back would hand it out as an open one. */
  release(): void {
    if (!this.loss) this.reserved.release();
  }
}

const COUNTED = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

const affectedRows = (command: string, count: number) =>
  COUNTED.has(command) ? { numAffectedRows: BigInt(count) } : {};
