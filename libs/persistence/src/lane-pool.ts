/**
 * The connections under Kysely. postgres.js's own pool does not survive the loss of connections: a reservation that was
 * refused while the server was away is handed the next connection anyway and never gives it back, a connection that
 * closed while something waited to be flushed never sends anything again, and a reserved one does not notice that its
 * socket is gone. So each connection here is a postgres.js pool of one, used by one caller at a time, and thrown away at
 * the first sign of a loss; what comes next gets a new one. Proven by test/fault/lost-connection.spec.ts.
 */
import type { Readable } from 'node:stream';
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import postgres from 'postgres';
import type { Sql } from './connect.js';
import { isConnectionLoss } from './connection-loss.js';
import type { CopiedRows } from './copied-rows.js';
import { CopySieve } from './copy-sieve.js';
import type { LossTellingSocket } from './loss-telling-socket.js';
import { sendCopy } from './send-copy.js';

/** One connection, made at its first statement and never made again. */
export class Lane implements DatabaseConnection {
  loss: Error | null = null;
  private readonly sql: Sql;
  private socket: LossTellingSocket | null = null;

  /** @param model a pool whose settings this connection takes over */
  constructor(model: Sql) {
    const { socket: openSocket } = model.options as unknown as {
      socket: (target: unknown) => LossTellingSocket;
    };
    const settings = {
      ...model.options,
      max: 1,
      onclose: () => (this.loss ??= new Error('the database connection was closed', { cause: CLOSED })),
      socket: (target: unknown) => (this.socket = openSocket(target)),
    };
    // postgres.js makes its own further pools from parsed options too; its types know the unparsed ones only.
    this.sql = postgres(settings as never) as unknown as Sql;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return this.guarded(async () => {
      const rows = await this.sql.unsafe<R[]>(sql, [...parameters] as never[]);
      return { rows: Array.from(rows), ...affectedRows(rows.command, rows.count) };
    });
  }

  /** The rows of a statement that is parsed and planned at its first run only. */
  executePrepared<R>(statement: string, parameters: readonly unknown[]): Promise<R[]> {
    return this.guarded(async () =>
      Array.from(await this.sql.unsafe<R[]>(statement, [...parameters] as never[], { prepare: true })),
    );
  }

  /** Everything that a `copy … to stdout (format binary)` sends, into `rows`. */
  copyOut(statement: string, rows: CopiedRows): Promise<void> {
    return this.guarded(async () => {
      // Rows are sifted out of an open connection: what opens one has other messages.
      if (!this.socket) await this.sql.unsafe('select');
      rows.clear();
      this.socket!.sieve = new CopySieve(rows);
      try {
        await this.drain(await this.sql.unsafe(statement).readable(), rows);
      } finally {
        this.socket!.sieve = null;
      }
      rows.index();
    });
  }

  /** Reads what no sieve has taken: under TLS all of it, else only the end. */
  private async drain(source: Readable, rows: CopiedRows): Promise<void> {
    try {
      for await (const chunk of source) rows.append(chunk as Buffer, false);
    } finally {
      // postgres.js pauses its socket while the stream is full and resumes it when more is read; of a stream that ended or
      // failed meanwhile nobody reads more, and the connection would stand still.
      if (!this.loss) source._read(0);
    }
  }

  /** Sends `bytes` to a `copy … from stdin`; settled when PostgreSQL has taken or refused them. */
  copyIn(statement: string, bytes: Buffer): Promise<void> {
    return this.guarded(() => sendCopy(this.sql.unsafe(statement), bytes));
  }

  streamQuery(): never {
    throw new Error('rows are read in pages here, not streamed');
  }

  close(timeoutSeconds: number): Promise<void> {
    return this.sql.end({ timeout: timeoutSeconds });
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    // On a new connection a statement of a lost transaction would take effect by itself, and COMMIT would succeed.
    if (this.loss) throw this.loss;
    try {
      return await work();
    } catch (error) {
      if (isConnectionLoss(error)) this.loss ??= error as Error;
      throw error;
    }
  }
}

/** Cause of the refusal of statements on a connection that closed between two of them; reads as a connection loss. */
const CLOSED = Object.assign(new Error('closed'), { code: 'CONNECTION_CLOSED' });
const COUNTED = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

const affectedRows = (command: string, count: number) =>
  COUNTED.has(command) ? { numAffectedRows: BigInt(count) } : {};

export class LanePool {
  private readonly idle: Lane[] = [];
  private readonly all = new Set<Lane>();
  private readonly waiting: ((lane: Lane) => void)[] = [];

  /** @param model a pool whose settings and size this one takes over; it stays unused itself */
  constructor(private readonly model: Sql) {}

  /** A connection for the caller alone, until {@link release}. */
  async acquire(): Promise<Lane> {
    for (let lane = this.idle.pop(); lane; lane = this.idle.pop()) {
      if (!lane.loss) return lane;
      this.discard(lane);
    }
    if (this.all.size < this.model.options.max) return this.open();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  release(lane: Lane): void {
    if (lane.loss) this.discard(lane);
    const next = this.waiting.shift();
    if (next) next(lane.loss ? this.open() : lane);
    else if (!lane.loss) this.idle.push(lane);
  }

  /** Closes all, those in use after `timeoutSeconds` at the latest. */
  async end(timeoutSeconds: number): Promise<void> {
    await Promise.all([...this.all].map((lane) => lane.close(timeoutSeconds)));
  }

  private open(): Lane {
    const lane = new Lane(this.model);
    this.all.add(lane);
    return lane;
  }

  private discard(lane: Lane): void {
    this.all.delete(lane);
    // Nothing waits on it; a socket that is gone needs no farewell.
    lane.close(0).catch(() => undefined);
  }
}
