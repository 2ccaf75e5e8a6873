/**
 * One process, its pool, and a PostgreSQL whose connections and whose postmaster are killed while transactions run: no
 * statement waits for ever, nothing that was committed is lost, and every connection of the pool comes back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '@app/config';
import {
  connect,
  type Database,
  isConnectionLoss,
  openKysely,
  type OpenDatabase,
  ownDatabase,
} from '@app/persistence';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../libs/iam/src/random.js';
import { faultDirectory } from '../support/fault-directory.js';
import { backendPids, killProcess, postmasterPid } from '../support/fault-postgres.js';
import { until } from '../support/until.js';

const POOL = 4;
const LANES = 16;
const KILLS = 12;

const directory = faultDirectory('lacuna-loss-');
const random = new SeededRandom('lost connections');
let server: OpenDatabase;
let pool: ReturnType<typeof connect>;
let db: Database;

beforeAll(async () => {
  server = await ownDatabase(loadConfig({ LACUNA_DATA_DIR: directory }), () => undefined);
  pool = connect(server.address, { as: 'login', name: 'loss-test', poolSize: POOL });
  db = openKysely(pool);
  await sql`create table public.fact (number integer primary key)`.execute(db);
});

afterAll(async () => {
  await pool.end({ timeout: 5 });
  await server.close();
});

/** Three statements in one transaction. */
async function insert(number: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock_shared(1)`.execute(tx);
    await sql`insert into public.fact values (${number})`.execute(tx);
    await sql`select count(*) from public.fact`.execute(tx);
  });
}

const countFacts = async (): Promise<number> => {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from public.fact`.execute(db);
  return rows[0]!.count;
};

describe('a connection that is lost', () => {
  it('refuses what was under way, keeps what was committed and comes back', async () => {
    const committed: number[] = [];
    const unexpected: unknown[] = [];
    let next = 0;
    let running = true;
    const lane = async () => {
      while (running) {
        const number = next;
        next += 1;
        try {
          await insert(number);
          committed.push(number);
        } catch (error) {
          if (!isConnectionLoss(error)) unexpected.push(error);
          await delay(5); // the server is away
        }
      }
    };
    const lanes = Promise.all(Array.from({ length: LANES }, lane));
    for (let kill = 0; kill < KILLS; kill += 1) {
      const target = committed.length + random.nextBelow(100);
      await until(() => committed.length >= target);
      if (kill % 3 === 2) killProcess(postmasterPid(directory));
      else killProcess(backendPids(directory)[random.nextBelow(POOL)]);
    }
    const target = committed.length + 100;
    await until(() => committed.length >= target);
    running = false;
    await lanes;
    expect(unexpected).toEqual([]);
    const { rows } = await sql<{ number: number }>`select number from public.fact`.execute(db);
    const stored = new Set(rows.map((row) => row.number));
    expect(committed.filter((number) => !stored.has(number))).toEqual([]);
  });

  it('leaves the pool whole: as many transactions at once as it has connections', async () => {
    let inside = 0;
    const together = async () => {
      await db.transaction().execute(async (tx) => {
        await sql`select 1`.execute(tx);
        inside += 1;
        await until(() => inside >= POOL);
      });
    };
    await Promise.all(Array.from({ length: POOL }, together));
  });

  it('rolls back a transaction that its caller refuses, and keeps the pool whole', async () => {
    const before = await countFacts();
    for (let attempt = 0; attempt < 2 * POOL; attempt += 1) {
      const refused = db.transaction().execute(async (tx) => {
        await sql`insert into public.fact values (-1)`.execute(tx);
        throw new Error('refused');
      });
      await expect(refused).rejects.toThrow('refused');
    }
    await expect(sql`insert into public.fact values (0), (0)`.execute(db)).rejects.toThrow('duplicate key');
    expect(await countFacts()).toBe(before);
  });
});
