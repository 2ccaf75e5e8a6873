/** The supervised server itself, on directories of its own; the shared test server is not touched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@app/config';
import {
  attachDatabase,
  checkSchema,
  connect,
  type OpenDatabase,
  ownDatabase,
  projectRoot,
} from '@app/persistence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';

describe('embedded PostgreSQL', () => {
  let directory: string;
  const open: OpenDatabase[] = [];
  const children: ChildProcess[] = [];
  const messages: string[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lacuna-embedded-'));
    chmodSync(directory, 0o755);
    messages.length = 0;
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const database of open.splice(0)) await database.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const own = async (at = directory): Promise<OpenDatabase> => {
    const config = loadConfig({ LACUNA_DATA_DIR: at });
    const database = await ownDatabase(config, (message) => messages.push(message), { fsync: 'off' });
    open.push(database);
    return database;
  };
  const postmaster = (): number =>
    Number(readFileSync(join(directory, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const ask = async (database: OpenDatabase): Promise<number | undefined> => {
    const sql = connect(database.address, { as: 'login', name: 'test', poolSize: 1 });
    try {
      const [row] = await sql<{ one: number }[]>`select 1 as one`;
      return row?.one;
    } finally {
      await sql.end();
    }
  };

  it('starts, answers, stops and starts again on the same data', async () => {
    const first = await own();
    const sql = connect(first.address, { as: 'login', name: 'test', poolSize: 1 });
    await sql`create table public.kept (value int)`;
    await sql.end();
    await first.close();
    expect(existsSync(join(directory, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
    const again = connect((await own()).address, { as: 'login', name: 'test', poolSize: 1 });
    expect(await again`select * from public.kept`).toHaveLength(0);
    await again.end();
  });

  it('has an older schema, and no application role, before the first migration', async () => {
    const sql = connect((await own()).address, { as: 'application', name: 'test', poolSize: 1 });
    await expect(checkSchema(sql)).rejects.toMatchObject({ code: 'PERSISTENCE_SCHEMA_OLDER' });
    await sql.end();
  });

  it('refuses a directory that another live owner holds', async () => {
    await own();
    await expect(own()).rejects.toMatchObject({
      code: 'PERSISTENCE_DIRECTORY_HELD',
      message: expect.stringContaining('LACUNA_DATA_DIR') as string,
    });
  });

  it('lets one of two owners win that start at the same moment', async () => {
    const outcomes = await Promise.allSettled([own(), own()]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('uses the server of an owner that was killed as a command, and adopts it as the next owner', async () => {
    const settings = { LACUNA_DATA_DIR: directory };
    const config = JSON.stringify(settings);
    const entry = join(projectRoot(), 'test', 'support', 'own-database.mjs');
    const child = spawn(process.execPath, [entry, config], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until(() => output.includes('up'));
    const before = postmaster();
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    const attached = await attachDatabase(loadConfig(settings), () => undefined, 300);
    expect(await ask(attached)).toBe(1);
    await attached.close();
    const database = await own();
    expect(postmaster()).toBe(before);
    expect(messages).toContain('adopted the running embedded PostgreSQL');
    expect(await ask(database)).toBe(1);
  });

  it('brings a killed server up again', async () => {
    const database = await own();
    const before = postmaster();
    process.kill(before, 'SIGKILL');
    await until(async () => (await ask(database).catch(() => 0)) === 1);
    await until(
      () => messages.filter((message) => message === 'started the embedded PostgreSQL').length === 2,
    );
    expect(postmaster()).not.toBe(before);
  });

  it('finds room for its socket where the directory is too deep for one', async () => {
    const deep = join(directory, 'd'.repeat(60), 'e'.repeat(60));
    mkdirSync(deep, { recursive: true });
    expect(await ask(await own(deep))).toBe(1);
  });

  it('never uses a half-made cluster', async () => {
    mkdirSync(join(directory, 'postgres', 'data.draft-1'), { recursive: true });
    expect(await ask(await own())).toBe(1);
  });
});
