/**
 * Forward-only SQL migrations under an advisory lock, each in a transaction of its own, each recorded with the SHA-256
 * of its text. Run by the daemon at start and by `lacuna migrate`. Proven by test/medium/migrator.spec.ts.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { APPLICATION_ROLE, type Sql } from './connect.js';
import { PersistenceError } from './errors.js';
import { projectRoot } from './project-root.js';

/** Any fixed number, in the database that is migrated: two migrators take turns, the second finds nothing to do. */
const MIGRATION_LOCK = 4_466_000_002;
/** SQLSTATE of a connection that asks for a role that does not exist. */
const INVALID_PARAMETER_VALUE = '22023';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

/** The migrations this code knows, in order; file names are `<four digits>_<words>.sql`, dense from 0001. */
export function knownMigrations(directory = join(projectRoot(), 'migrations')): readonly Migration[] {
  return readdirSync(directory)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(join(directory, file), 'utf8');
      const sha256 = createHash('sha256').update(text).digest('hex');
      return { version: Number(file.slice(0, 4)), name: file, text, sha256 };
    });
}

interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly sha256: string;
}

async function appliedMigrations(sql: Pick<Sql, 'unsafe'>): Promise<readonly AppliedMigration[]> {
  const [table] = await sql.unsafe<{ found: string | null }[]>(
    `select to_regclass('lacuna.migration') as found`,
  );
  if (!table?.found) return [];
  return sql.unsafe<AppliedMigration[]>(
    'select version, name, sha256 from lacuna.migration order by version',
  );
}

function checkHistory(applied: readonly AppliedMigration[], known: readonly Migration[]): void {
  for (const row of applied) {
    const mine = known.find((migration) => migration.version === row.version);
    if (!mine) {
      throw new PersistenceError(
        'PERSISTENCE_SCHEMA_NEWER',
        `the database has migration ${row.name}, which this version of Lacuna does not know; run a newer Lacuna`,
      );
    }
    if (mine.sha256 !== row.sha256) {
      throw new PersistenceError(
        'PERSISTENCE_MIGRATION_CHANGED',
        `migration ${row.name} was applied with another text than this version's; migrations are never edited`,
      );
    }
  }
}

/**
 * Brings the schema to this code's version and returns the names of the migrations that were applied now.
 * @param sql a pool as the login role (it creates roles and schemas)
 * @param afterwards work on the same connection under the same lock, for what other tools keep in the database
 * @throws PersistenceError `PERSISTENCE_SCHEMA_NEWER`, `PERSISTENCE_MIGRATION_CHANGED`, `PERSISTENCE_MIGRATION_FAILED`
 */
export async function migrate(
  sql: Sql,
  known: readonly Migration[] = knownMigrations(),
  afterwards?: (connection: Pick<Sql, 'unsafe'>) => Promise<void>,
): Promise<readonly string[]> {
  const connection = await sql.reserve();
  try {
    await connection`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await connection.unsafe(
      `create schema if not exists lacuna;
       create table if not exists lacuna.migration (
         version integer primary key, name text not null, sha256 text not null,
         applied_at timestamptz not null default now())`,
    );
    const applied = await appliedMigrations(connection);
    checkHistory(applied, known);
    const done = new Set(applied.map((row) => row.version));
    const missing = known.filter((migration) => !done.has(migration.version));
    for (const migration of missing) await apply(connection, migration);
    await afterwards?.(connection);
    return missing.map((migration) => migration.name);
  } finally {
    await connection`select pg_advisory_unlock(${MIGRATION_LOCK})`.catch(() => undefined);
    connection.release();
  }
}

async function apply(connection: Pick<Sql, 'unsafe'>, migration: Migration): Promise<void> {
  try {
    await connection.unsafe('begin');
    // The event trigger of migration 0005 lets nobody else alter the ledger's definitions.
    await connection.unsafe("set local lacuna.maintenance = 'on'");
    await connection.unsafe(migration.text);
    await connection.unsafe('reset role; set local search_path = lacuna');
    await connection.unsafe('insert into lacuna.migration (version, name, sha256) values ($1, $2, $3)', [
      migration.version,
      migration.name,
      migration.sha256,
    ]);
    await connection.unsafe('grant select on lacuna.migration to lacuna_app');
    await connection.unsafe('commit');
  } catch (cause) {
    await connection.unsafe('rollback').catch(() => undefined);
    throw new PersistenceError(
      'PERSISTENCE_MIGRATION_FAILED',
      `migration ${migration.name} failed and was rolled back`,
      {
        cause,
      },
    );
  }
}

/**
 * Returns when the database has exactly the schema this code expects.
 * @throws PersistenceError `PERSISTENCE_SCHEMA_OLDER` (run `lacuna migrate`), `PERSISTENCE_SCHEMA_NEWER`,
 *   `PERSISTENCE_MIGRATION_CHANGED`
 */
export async function checkSchema(sql: Sql, known: readonly Migration[] = knownMigrations()): Promise<void> {
  const applied = await appliedMigrations(sql).catch((error: unknown) => {
    if (lacksApplicationRole(error)) return [];
    throw error;
  });
  checkHistory(applied, known);
  const missing = known.length - applied.length;
  if (missing > 0) {
    throw new PersistenceError(
      'PERSISTENCE_SCHEMA_OLDER',
      `the database lacks ${missing} migration(s); run \`lacuna migrate\` or start the daemon`,
      { retryable: true },
    );
  }
}

/** The first migration makes the role, so a server without it has had none: connecting as that role already fails. */
const lacksApplicationRole = (error: unknown): boolean =>
  error instanceof postgres.PostgresError &&
  error.code === INVALID_PARAMETER_VALUE &&
  error.message.includes(`"${APPLICATION_ROLE}"`);
