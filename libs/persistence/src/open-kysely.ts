import { Kysely } from 'kysely';
import type { Sql } from './connect.js';
import { GuardedDialect } from './guarded-driver.js';
import type { Database, Tables } from './tables/database.js';

/** Injection token of the {@link Database} (Kysely over postgres.js, as the application role). */
export const DATABASE = Symbol('DATABASE');
/** Injection token of the postgres.js pool under {@link DATABASE}, for COPY and LISTEN. */
export const SQL = Symbol('SQL');

export function openKysely(sql: Sql): Database {
  return new Kysely<Tables>({ dialect: new GuardedDialect(sql) });
}
