/** How pg-boss, which is written for node-postgres, asks over our connections. Proven by test/medium/queue.spec.ts. */
import { type Queryable, runPrepared, type Sql } from '@app/persistence';
import { CompiledQuery } from 'kysely';
import type PgBoss from 'pg-boss';

/** node-postgres, which pg-boss is written for, sends undefined as null; postgres.js refuses it. */
const nullsForUndefined = (values: readonly unknown[] | undefined): never[] =>
  (values ?? []).map((value) => value ?? null) as never[];

/** Over one connection, in whatever transaction it is in. */
export function connectionExecutor(sql: Pick<Sql, 'unsafe'>): PgBoss.Db['executeSql'] {
  return async (text, values) => ({ rows: [...(await sql.unsafe(text, nullsForUndefined(values)))] });
}

/** In the transaction of `on`, where it is one. pg-boss asks few things, and asks them twice a second. */
export function executorOf(on: Queryable): PgBoss.Db['executeSql'] {
  return async (text, values) => {
    if (values?.length) return { rows: await runPrepared(on, text, nullsForUndefined(values)) };
    const { rows } = await on.executeQuery(CompiledQuery.raw(text));
    return { rows: rows as never[] };
  };
}
