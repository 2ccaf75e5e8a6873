/**
 * A migrated database of its own for one test file, cloned from the template in a few milliseconds, dropped when the
 * file's tests passed and kept for a look when one failed.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Database, type DatabaseAddress, openKysely, type Sql } from '@app/persistence';
import { afterAll, inject, onTestFailed, beforeEach } from 'vitest';
import { TEMPLATE, withDatabase } from './global-setup.js';

export interface TestDatabase {
  readonly name: string;
  readonly address: DatabaseAddress;
  /** As the application role, like all production code. */
  readonly sql: Sql;
  readonly db: Database;
  /** As the login role (superuser of the test server): for attacks and for looking at what the role may not see. */
  readonly admin: Sql;
  close(): Promise<void>;
}

function serverAddress(database: string): DatabaseAddress {
  const address = inject('databaseAddress');
  return address.kind === 'url' ? withDatabase(address, database) : { ...address, database };
}

/** A fresh clone of the template; call `close` (or use {@link useTestDatabase}). */
export const testDatabase = (): Promise<TestDatabase> => cloneOf(TEMPLATE);

/** A database without any schema; the application role cannot work in it before it is migrated. */
export const emptyDatabase = (): Promise<TestDatabase> => cloneOf('template1');

async function cloneOf(template: string): Promise<TestDatabase> {
  const name = `lacuna_t_${randomBytes(6).toString('hex')}`;
  const maintenance = connect(serverAddress('postgres'), { as: 'login', name: 'test-clone', poolSize: 1 });
  // strategy file_copy is faster than the write-ahead log for a small template, and needs no open session on it
  await maintenance.unsafe(`create database ${name} template ${template} strategy file_copy`);
  await maintenance.end();
  const address = serverAddress(name);
  const sql = connect(address, { as: 'application', name: 'test', poolSize: 10 });
  const admin = connect(address, { as: 'login', name: 'test-admin', poolSize: 2 });
  return { name, address, sql, db: openKysely(sql), admin, close: () => close(name, [sql, admin]) };
}

async function close(name: string, pools: readonly Sql[]): Promise<void> {
  await Promise.all(pools.map((pool) => pool.end({ timeout: 5 })));
  await drop(name);
}

/** A database that nobody works in any more, for tests that begin where it stands. */
export interface PreparedDatabase {
  readonly clone: () => Promise<TestDatabase>;
  readonly drop: () => Promise<void>;
}

/** Ends the database's pools; whoever else is connected has to be gone. */
export async function prepared({ name, sql, admin }: TestDatabase): Promise<PreparedDatabase> {
  await Promise.all([sql, admin].map((pool) => pool.end({ timeout: 5 })));
  return { clone: () => cloneOf(name), drop: () => drop(name) };
}

async function drop(name: string): Promise<void> {
  const maintenance = connect(serverAddress('postgres'), { as: 'login', name: 'test-drop', poolSize: 1 });
  await maintenance.unsafe(`drop database if exists ${name} with (force)`);
  await maintenance.end();
}

/** Registers hooks: one database for the test file, dropped afterwards unless a test failed. */
export function useTestDatabase(): () => TestDatabase {
  let database: TestDatabase | undefined;
  let failed = false;
  beforeEach(async () => {
    onTestFailed(() => {
      failed = true;
    });
    database ??= await testDatabase();
  });
  afterAll(async () => {
    if (failed) process.stderr.write(`kept database ${database?.name} for inspection while the run lasts\n`);
    else await database?.close();
  });
  return () => database!;
}

/** The address as LACUNA_DATABASE_URL takes it. */
export function postgresUrl(address: DatabaseAddress): string {
  if (address.kind === 'url') return address.url;
  return `postgres://lacuna@localhost/${address.database}?host=${address.directory}`;
}
