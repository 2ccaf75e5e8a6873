import { connect, checkSchema, knownMigrations, migrate, type Migration } from '@app/persistence';
import { installQueue } from '@app/queue';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyDatabase, type TestDatabase } from '../support/test-database.js';

describe('migrate', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await emptyDatabase();
  });
  afterEach(() => database.close());

  const names = knownMigrations().map((migration) => migration.name);

  it('applies every migration once, also when two start at the same moment', async () => {
    const other = connect(database.address, { as: 'login', name: 'other', poolSize: 1 });
    const applied = await Promise.all([
      migrate(database.admin, undefined, installQueue),
      migrate(other, undefined, installQueue),
    ]);
    await other.end();
    expect(applied.flat().sort()).toEqual(names);
    expect(await migrate(database.admin, undefined, installQueue)).toEqual([]);
    await checkSchema(database.sql);
  });

  it('refuses a schema that is newer than the code', async () => {
    await migrate(database.admin);
    const older = knownMigrations().slice(0, -1);
    await expect(migrate(database.admin, older)).rejects.toMatchObject({ code: 'PERSISTENCE_SCHEMA_NEWER' });
    await expect(checkSchema(database.admin, older)).rejects.toMatchObject({
      code: 'PERSISTENCE_SCHEMA_NEWER',
    });
  });

  it('refuses to work on an older schema', async () => {
    await migrate(database.admin, knownMigrations().slice(0, 1));
    await expect(checkSchema(database.admin)).rejects.toMatchObject({ code: 'PERSISTENCE_SCHEMA_OLDER' });
  });

  it('refuses a migration whose text was changed afterwards', async () => {
    await migrate(database.admin);
    const edited = knownMigrations().map((migration) => ({ ...migration, sha256: 'f'.repeat(64) }));
    await expect(migrate(database.admin, edited)).rejects.toMatchObject({
      code: 'PERSISTENCE_MIGRATION_CHANGED',
    });
  });

  it('rolls a failing migration back as a whole', async () => {
    const version = names.length + 1;
    const broken: Migration = {
      version,
      name: 'broken.sql',
      text: 'create table lacuna.half (); select 1/0',
      sha256: 'x',
    };
    await expect(migrate(database.admin, [...knownMigrations(), broken])).rejects.toMatchObject({
      code: 'PERSISTENCE_MIGRATION_FAILED',
    });
    const [row] = await database.admin<{ half: string | null }[]>`select to_regclass('lacuna.half') as half`;
    expect(row?.half).toBeNull();
    await checkSchema(database.admin);
  });
});
