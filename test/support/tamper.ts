/** Tampering as only a superuser can, rolled back afterwards: triggers are off and foreign keys sleep for one statement. */
import { type Database, openKysely } from '@app/persistence';
import { sql } from 'kysely';
import type { TestDatabase } from './test-database.js';

class RolledBack extends Error {}

/** What `audit` finds in a database in which `statement` was run; it must have changed something. */
export async function tamperedAudit<T>(
  { admin }: TestDatabase,
  statement: string,
  audit: (db: Database) => Promise<T>,
): Promise<T> {
  let found: T | undefined;
  const db = openKysely(admin);
  const work = db.transaction().execute(async (tx) => {
    await sql.raw("set local search_path = lacuna; set local lacuna.maintenance = 'on'").execute(tx);
    await triggersOff(tx);
    const { numAffectedRows } = await sql.raw(statement).execute(tx);
    if (!numAffectedRows) throw new Error(`nothing was changed by: ${statement}`);
    found = await audit(tx);
    throw new RolledBack();
  });
  try {
    await work;
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  } finally {
    await db.destroy();
  }
  return found!;
}

async function triggersOff(tx: Database): Promise<void> {
  const { rows } = await sql<{
    name: string;
  }>`select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'lacuna'`.execute(
    tx,
  );
  for (const { name } of rows) await sql.raw(`alter table ${name} disable trigger all`).execute(tx);
}
