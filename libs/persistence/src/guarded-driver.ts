/**
 * Kysely's driver over postgres.js that survives the loss of a connection. The usual one reserves connections, and a
 * reservation of postgres.js does not notice that its socket is gone: later statements are written to nothing (thrown
 * outside of every promise, or never answered), its release puts a dead connection among the open ones, and one that was
 * refused while the server was away is handed the next connection all the same, which nobody ever gives back.
 *
 * Here single statements go to the pool, and a transaction is postgres.js's own, held open by a promise that commit and
 * rollback settle. The first sign of a loss ends it: later statements are refused at once, nothing more is sent.
 * Proven by test/fault/lost-connection.spec.ts.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  PostgresDriver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import { PostgresJSDialect } from 'kysely-postgres-js';
import type { TransactionSql } from 'postgres';
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

  override acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(new GuardedConnection(this.sql));
  }

  override releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  override beginTransaction(connection: GuardedConnection, settings: TransactionSettings): Promise<void> {
    return connection.begin(settings);
  }

  override commitTransaction(connection: GuardedConnection): Promise<void> {
    return connection.commit();
  }

  override rollbackTransaction(connection: GuardedConnection): Promise<void> {
    return connection.rollback();
  }

  override destroy(): Promise<void> {
    return this.sql.end();
  }
}

/** A transaction under way; `commit` and `rollback` end it once, `done` tells how. */
interface OpenTransaction {
  readonly scope: TransactionSql<{ bigint: bigint }>;
  readonly commit: () => void;
  readonly rollback: (reason: Error) => void;
  readonly done: Promise<unknown>;
}

const ROLLED_BACK = new Error('rolled back');

class GuardedConnection implements DatabaseConnection {
  private transaction: OpenTransaction | null = null;
  private loss: Error | null = null;

  constructor(private readonly sql: Sql) {}

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.loss) throw this.loss;
    try {
      const on = this.transaction?.scope ?? this.sql;
      const rows = await on.unsafe<R[]>(sql, [...parameters] as never[], ALONE);
      return { rows: Array.from(rows), ...affectedRows(rows.command, rows.count) };
    } catch (error) {
      if (this.transaction && isConnectionLoss(error)) this.loss = error as Error;
      throw error;
    }
  }

  streamQuery(): never {
    throw new Error('rows are read in pages here, not streamed');
  }

  async begin({ isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    const mode = [isolationLevel && `isolation level ${isolationLevel}`, accessMode]
      .filter(Boolean)
      .join(' ');
    this.transaction = await new Promise<OpenTransaction>((resolve, reject) => {
      const done = this.sql.begin(
        mode,
        (scope) =>
          new Promise<void>((commit, rollback) => {
            // `done` is assigned by now: postgres.js calls back after the answer to BEGIN.
            resolve({ scope, commit, rollback, done });
          }),
      );
      done.catch((error: unknown) => {
        this.loss = error as Error;
        reject(this.loss);
      });
    });
  }

  async commit(): Promise<void> {
    const { transaction } = this;
    this.transaction = null;
    if (this.loss) throw this.loss;
    transaction!.commit();
    await transaction!.done;
  }

  /** Does nothing after a loss: the server rolls back by itself, and there is nobody to tell. */
  async rollback(): Promise<void> {
    const { transaction } = this;
    this.transaction = null;
    if (this.loss || !transaction) return;
    transaction.rollback(ROLLED_BACK);
    await transaction.done.catch((error: unknown) => {
      if (error !== ROLLED_BACK && !isConnectionLoss(error)) throw error;
    });
  }
}

/**
 * Nothing is sent behind a statement that runs (an option of postgres.js outside of its declared types): what is sent
 * behind one that waits for a lock waits too, though the holder of the lock may need it and other connections are free.
 */
const ALONE: object = { onexecute: () => false };

const COUNTED = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

const affectedRows = (command: string, count: number) =>
  COUNTED.has(command) ? { numAffectedRows: BigInt(count) } : {};
