import { checkGuards } from '@app/ledger';
import { beforeEach, describe, expect, it } from 'vitest';
import { testDatabase, type TestDatabase } from '../support/test-database.js';

describe('the check of the guards at start', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await testDatabase();
    return () => database.close();
  });

  it('is content with a migrated database', async () => {
    await checkGuards(database.admin);
  });

  it.each([
    [
      'alter table lacuna.entry disable trigger refuse_change',
      'trigger refuse_change of entry is not ENABLE ALWAYS',
    ],
    [
      'alter table lacuna.entry enable trigger refuse_change',
      'trigger refuse_change of entry is not ENABLE ALWAYS',
    ],
    ['drop trigger refuse_truncate on lacuna.tile', 'trigger refuse_truncate of tile is missing'],
    [
      'drop trigger entries_are_contiguous on lacuna.entry',
      'trigger entries_are_contiguous of entry is missing',
    ],
    [
      'drop trigger head_moves_forward on lacuna.log_head',
      'trigger head_moves_forward of log_head is missing',
    ],
    [
      'create trigger mine before insert on lacuna.event for each row execute function suppress_redundant_updates_trigger()',
      'trigger mine of event is not ours',
    ],
    [
      'create or replace function lacuna.refuse_change() returns trigger language plpgsql as $$ begin return null; end $$',
      'entry does not refuse DELETE',
    ],
    ['grant update (leaf) on lacuna.entry to lacuna_app', 'lacuna_app has UPDATE on entry.leaf'],
    ['grant delete on lacuna.checkpoint to public', 'PUBLIC has DELETE on checkpoint'],
    ['revoke insert on lacuna.entry from lacuna_app', 'lacuna_app lacks INSERT on entry'],
    ['alter table lacuna.event owner to current_user', 'table event belongs to'],
    [
      'alter event trigger lacuna_guard_drops disable',
      'event trigger lacuna_guard_drops is not ENABLE ALWAYS',
    ],
    ['drop event trigger lacuna_guard_definitions', 'event trigger lacuna_guard_definitions is missing'],
  ])('refuses to go on after: %s', async (statement, problem) => {
    await database.admin.unsafe(`set local lacuna.maintenance = 'on'; ${statement}`);
    await expect(checkGuards(database.admin)).rejects.toMatchObject({
      code: 'LEDGER_GUARDS_MISSING',
      message: expect.stringContaining(problem) as string,
    });
  });
});
