/** COPY over the connections under Kysely: in transactions, with refusals, and with connections that go on afterwards. */
import { copyIn, copyOut } from '@app/persistence';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { useTestDatabase } from '../support/test-database.js';

describe('COPY', () => {
  const database = useTestDatabase();
  const IN = 'copy public.copied (id, text) from stdin';
  const prepared = async () => {
    const { admin, db } = database();
    await admin.unsafe(`drop table if exists public.copied;
      create table public.copied (id int primary key, text text check (text <> 'refused'));
      grant all on public.copied to lacuna_app`);
    return db;
  };
  const count = async () =>
    Number((await database().admin<{ n: bigint }[]>`select count(*) as n from public.copied`)[0]!.n);

  it('takes nothing, one row and many pieces, and gives them back', async () => {
    const db = await prepared();
    await copyIn(db, IN, Buffer.alloc(0));
    const rows = Array.from({ length: 20_000 }, (_, n) => `${n}\ttext ${n}${'x'.repeat(n % 100)}\n`);
    await copyIn(db, IN, Buffer.from(rows.join('')));
    expect(await count()).toBe(20_000);
    // Results of every size around the buffers in between: after each the connection must take the next statement.
    for (const limit of [0, 1, 100, 1000, 20_000])
      for (let round = 0; round < 3; round += 1) {
        const back = await copyOut(
          db,
          `select int4send(id), text, null from public.copied order by id limit ${limit}`,
        );
        expect(back.length).toBe(limit);
        if (limit > 0) expect(back.at(-1)![1]!.toString()).toBe(rows[limit - 1]!.split('\t')[1]!.trimEnd());
        if (limit > 0) expect(back[0]![2]).toBeNull();
      }
    const [all] = await copyOut(db, `select string_agg(textsend(text), '') from public.copied`);
    expect(all![0]!.length).toBeGreaterThan(1_000_000);
    await sql`select 1`.execute(db);
  });

  it('is part of the transaction it is called in', async () => {
    const db = await prepared();
    const attempt = db.transaction().execute(async (tx) => {
      await copyIn(tx, IN, Buffer.from('1\tone\n'));
      expect((await copyOut(tx, 'select id from public.copied')).length).toBe(1);
      throw new Error('thought better of it');
    });
    await expect(attempt).rejects.toThrow('thought better of it');
    expect(await count()).toBe(0);
  });

  it.each([
    ['a row that a constraint refuses', '1\tone\n2\trefused\n', '23514'],
    ['a key that is there twice', '1\tone\n1\tone\n', '23505'],
    ['a line that is no row', 'one\n', '22P02'],
    ['a row cut short', '1\n', '22P04'],
    ['a refusal in the first of many pieces', `x\n${'1\tone\n'.repeat(300_000)}`, '22P02'],
  ])('rejects %s with the code, and the connection goes on', async (_what, bytes, code) => {
    const db = await prepared();
    await expect(copyIn(db, IN, Buffer.from(bytes))).rejects.toMatchObject({ code });
    for (let n = 0; n < 10; n += 1) {
      await copyIn(db, IN, Buffer.from(`${n}\tafterwards\n`));
      await sql`select 1`.execute(db);
    }
    expect(await count()).toBe(10);
  });

  it('rejects a statement that is refused before any byte is sent, or while rows are sent', async () => {
    const db = await prepared();
    await expect(copyIn(db, 'copy public.absent from stdin', Buffer.from('1\n'))).rejects.toMatchObject({
      code: '42P01',
    });
    await expect(
      copyOut(db, 'select 1 / (50000 - n) from generate_series(1, 60000) n'),
    ).rejects.toMatchObject({
      code: '22012',
    });
    await sql`select 1`.execute(db);
  });
});
