/**
 * Stops processes of a crash test at a named point until they are killed: at a table they write to, at a job they report the
 * end of, at an endpoint they ask. They know nothing of it.
 */
import type { Sql } from '@app/persistence';
import type { EndpointServer } from './endpoint-server.js';

export interface Hold {
  /** Whether somebody stands at the point. */
  readonly reached: () => Promise<boolean>;
  /** Whoever comes later passes. */
  readonly letGo: () => Promise<void>;
}

/** Whether a session of an application waits for a lock of this kind, in a statement that has the text in it. */
async function isWaiting(sql: Sql, application: string, waitEvent: string, text: string): Promise<boolean> {
  const rows = await sql`select from pg_stat_activity where application_name = ${application}
    and wait_event_type = 'Lock' and wait_event = ${waitEvent} and position(${text} in query) > 0`;
  return rows.length > 0;
}

/** A transaction that keeps its locks until it is let go. */
async function holdLocks(sql: Sql, statement: string): Promise<Hold['letGo']> {
  const session = await sql.reserve();
  await session`begin`;
  await session.unsafe(statement);
  return async () => {
    await session`rollback`;
    session.release();
  };
}

/** Before a row is inserted into a table of the ledger. @param sql as the login role */
export async function holdTable(sql: Sql, application: string, table: string): Promise<Hold> {
  const letGo = await holdLocks(sql, `lock table lacuna.${table} in share mode`);
  return { letGo, reached: () => isWaiting(sql, application, 'relation', table) };
}

/** Before an endpoint answers a request of so many samples. */
export function holdEndpoint(server: EndpointServer, isHeld: (samples: number) => boolean): Hold {
  let pass!: (nothing: null) => void;
  const gate = new Promise<null>((resolve) => (pass = resolve));
  let asked = false;
  server.fault = ({ path, body }) => {
    if (!path.endsWith('/infer')) return null;
    const { inputs } = JSON.parse(body.toString()) as { inputs: { shape: number[] }[] };
    if (!isHeld(inputs[0]!.shape[0]!)) return null;
    asked = true;
    return gate;
  };
  return {
    reached: () => Promise.resolve(asked),
    letGo() {
      server.fault = null;
      pass(null);
      return Promise.resolve();
    },
  };
}

/** Before the queue is told that a job is done which asks an endpoint. @param sql as the login role */
export function holdReport(sql: Sql, application: string, queue: string, server: EndpointServer): Hold {
  const endpoint = holdEndpoint(server, () => true);
  let letGo: Hold['letGo'] | null = null;
  return {
    async reached() {
      if (!(await endpoint.reached())) return false;
      if (!letGo) {
        const active = `select from pgboss.job where name = '${queue}' and state = 'active' for update`;
        letGo = await holdLocks(sql, active);
        await endpoint.letGo();
      }
      return isWaiting(sql, application, 'transactionid', 'pgboss.job');
    },
    letGo: async () => letGo?.(),
  };
}
