/**
 * The one way to a database connection. Embedded and external PostgreSQL differ only in their
 * {@link DatabaseAddress}; after that no code path knows which one it is.
 */
import postgres from 'postgres';
import { socketFactory } from './loss-telling-socket.js';

/**
 * Where a PostgreSQL is: a URL (`?host=/directory` for a unix socket, as libpq has it), or the embedded server's socket.
 */
export type DatabaseAddress =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'socket'; readonly directory: string; readonly database: string };

/** postgres.js with `bigint` columns as `bigint`: tree sizes and leaf indexes pass 2^53 unharmed. */
export type Sql = postgres.Sql<{ bigint: bigint }>;

/** Login of the embedded server's bootstrap superuser; it only ever migrates and hands over to the application role. */
export const EMBEDDED_USER = 'lacuna';
/** Role of all ordinary work: what it may not do is fixed in migrations/0001_create_ledger.sql. */
export const APPLICATION_ROLE = 'lacuna_app';

export interface ConnectOptions {
  /** `application`: all ordinary work. `login`: the role of the address itself, for migrations and audits of privileges. */
  readonly as: 'application' | 'login';
  readonly name: string;
  readonly poolSize: number;
  readonly onClose?: () => void;
}

/** An open (lazily connecting) pool; `sql.end()` closes it. */
export function connect(address: DatabaseAddress, options: ConnectOptions): Sql {
  const shared = {
    max: options.poolSize,
    connect_timeout: 10,
    socket: socketFactory(),
    onnotice: () => undefined,
    types: { bigint: postgres.BigInt },
    connection: {
      application_name: options.name,
      search_path: 'lacuna',
      ...(options.as === 'application' ? { role: APPLICATION_ROLE } : {}),
    },
    ...(options.onClose ? { onclose: options.onClose } : {}),
  };
  if (address.kind === 'socket') {
    const { directory: host, database } = address;
    return postgres({ ...shared, host, port: 5432, database, user: EMBEDDED_USER });
  }
  const url = new URL(address.url);
  const socket = url.searchParams.get('host');
  url.searchParams.delete('host');
  return postgres(url.toString(), socket ? { ...shared, host: socket } : shared);
}
