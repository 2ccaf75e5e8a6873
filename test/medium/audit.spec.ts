import { randomUUID } from 'node:crypto';
import { auditLedger, LEDGER_TABLES } from '@app/ledger';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';

/** Tampering as only a superuser can: triggers are taken away for one statement. */
async function tamper(database: TestDatabase, table: string, statement: string): Promise<void> {
  await database.admin.begin(async (tx) => {
    await tx.unsafe(`set local lacuna.maintenance = 'on'`);
    await tx.unsafe(`alter table lacuna.${table} disable trigger all`);
    const changed = await tx.unsafe(statement);
    expect(changed.count).toBe(1);
    await tx.unsafe(`alter table lacuna.${table} enable trigger all`);
  });
}

describe('audit', () => {
  let database: TestDatabase;
  let ledger: ReturnType<typeof makeTestLedger>;
  let origin: string;
  let logId: number;

  beforeEach(async () => {
    database = await testDatabase();
    ledger = makeTestLedger(database.db);
    await ledger.service.open();
    const modelId = randomUUID();
    await ledger.service.append(modelOperation(modelId));
    for (let n = 0; n < 30; n += 1) {
      await ledger.service.append(
        requestOperation(
          modelId,
          Array.from({ length: 10 }, (_, k) => `sample-${n}-${k}`),
        ),
      );
      if (n % 7 === 0) await ledger.integrator.integrateAll();
    }
    await ledger.integrator.integrateAll();
    ({ origin, logId } = await ledger.service.commitmentLog(modelId));
    return () => database.close();
  });

  const audit = () => auditLedger(database.db, { verifierFor: ledger.verifierFor });

  it('finds nothing wrong with an untouched ledger', async () => {
    const report = await audit();
    expect(report.findings).toEqual([]);
    expect(report.logs.map((log) => log.entries)).toEqual([1n, 300n]);
  });

  it.each([
    [
      'entry',
      `set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '"type":"commitment"', '"type":"commitmenu"'), 'UTF8')`,
      'entry.leaf',
    ],
    ['entry', `set leaf_hash = decode(repeat('ab', 32), 'hex')`, 'entry.leaf_hash'],
    ['commitment_opening', `set sample_id = 'somebody-else'`, 'commitment_opening.sample_id'],
    ['commitment', `set position = position + 1`, 'commitment.position'],
    [
      'commitment_opening',
      `set content = replace(content, 'sample-', 'simple-')`,
      'commitment_opening.content',
    ],
    ['commitment_opening', `set salt = decode(repeat('ab', 32), 'hex')`, 'commitment_opening.salt'],
  ])('names log, index and field of a tampered %s row (%s)', async (table, change, field) => {
    await tamper(
      database,
      table,
      `update lacuna.${table} ${change} where log_id = ${logId} and leaf_index = 123`,
    );
    expect((await audit()).findings).toMatchObject([{ log: origin, index: '123', field }]);
  });

  it.each([
    ['full', `level = 0 and tile_index = 0 and width = 256`, '0/0'],
    ['partial', `level = 0 and tile_index = 1 and width = 44`, '0/1'],
    ['upper', `level = 1 and tile_index = 0 and width = 1`, '1/0'],
  ])('finds a tampered %s tile', async (_name, where, place) => {
    await tamper(
      database,
      'tile',
      `update lacuna.tile set hashes = overlay(hashes placing '\\x0000'::bytea from 5) where log_id = ${logId} and ${where}`,
    );
    expect((await audit()).findings).toContainEqual(
      expect.objectContaining({ log: origin, index: place, field: 'tile.hashes' }),
    );
  });

  it.each([
    ['root_hash', `set root_hash = decode(repeat('ab', 32), 'hex')`, 'checkpoint.root_hash'],
    ['note', `set note = replace(note, E'\\n300\\n', E'\\n301\\n')`, 'checkpoint.note'],
  ])('finds a tampered checkpoint (%s)', async (_column, change, field) => {
    await tamper(
      database,
      'checkpoint',
      `update lacuna.checkpoint ${change} where log_id = ${logId} and tree_size = 300`,
    );
    expect((await audit()).findings).toContainEqual(
      expect.objectContaining({ log: origin, index: '300', field }),
    );
  });

  it('finds a model row that its event does not say', async () => {
    await tamper(database, 'model', `update lacuna.model set name = 'other'`);
    expect((await audit()).findings).toMatchObject([{ index: '0', field: 'model.name' }]);
  });

  it('finds a removed entry and a moved head', async () => {
    await tamper(
      database,
      'commitment_opening',
      `delete from lacuna.commitment_opening where log_id = ${logId} and leaf_index = 299`,
    );
    expect((await audit()).findings).toMatchObject([
      { log: origin, index: '299', field: 'commitment_opening.content' },
    ]);
    await tamper(database, 'entry', `delete from lacuna.entry where log_id = ${logId} and leaf_index = 299`);
    expect((await audit()).findings).toContainEqual(
      expect.objectContaining({ log: origin, index: '300', field: 'log_head.next_index' }),
    );
  });
});

describe('append-only', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    const ledger = makeTestLedger(database.db);
    await ledger.service.open();
    await ledger.service.append(modelOperation(randomUUID()));
    return () => database.close();
  });

  const roles = {
    application: '',
    owner: 'set local role lacuna_owner',
    superuser: '',
    'superuser as replica': 'set local session_replication_role = replica',
  } as const;

  it('covers every table of the ledger', async () => {
    const rows = await database.admin<{ table_name: string }[]>`
      select table_name from information_schema.tables where table_schema = 'lacuna' and table_type = 'BASE TABLE'`;
    const running = [
      'migration',
      'log_head',
      'verification_progress',
      'schedule_run',
      'vault_content',
      'vault_item',
    ];
    expect(
      rows
        .map((row) => row.table_name)
        .filter((name) => !running.includes(name))
        .sort(),
    ).toEqual([...LEDGER_TABLES].sort());
  });

  it.each(Object.entries(roles))('refuses UPDATE, DELETE and TRUNCATE to the %s', async (role, prelude) => {
    const sql = role === 'application' ? database.sql : database.admin;
    for (const table of LEDGER_TABLES) {
      const [column] = await database.admin<{ column_name: string }[]>`
        select column_name from information_schema.columns where table_schema = 'lacuna' and table_name = ${table} and is_identity = 'NO' limit 1`;
      const name = column!.column_name;
      for (const statement of [
        `update lacuna.${table} set "${name}" = "${name}"`,
        `delete from lacuna.${table}`,
        `truncate lacuna.${table} cascade`,
      ]) {
        const attempt = sql.begin(async (tx) => {
          if (prelude) await tx.unsafe(prelude);
          await tx.unsafe(statement);
        });
        const code = role === 'application' ? '42501' : 'LA001';
        await expect(attempt, `${role}: ${statement}`).rejects.toMatchObject({ code });
      }
    }
  });

  it('moves heads forward only', async () => {
    for (const statement of [
      'update lacuna.log_head set next_index = 0 where next_index > 0',
      'delete from lacuna.log_head',
      'truncate lacuna.log_head',
    ]) {
      await expect(database.admin.unsafe(statement)).rejects.toMatchObject({ code: 'LA001' });
    }
  });

  it('refuses an entry that leaves a gap', async () => {
    const leaf = Buffer.from('x');
    const [log] = await database.admin<
      { log_id: number }[]
    >`select log_id from lacuna.log where kind = 'events'`;
    await expect(
      database.sql`insert into entry (log_id, leaf_index, leaf, leaf_hash) values (${log!.log_id}, 5, ${leaf}, ${Buffer.alloc(32)})`,
    ).rejects.toMatchObject({ code: 'LA002' });
  });
});
