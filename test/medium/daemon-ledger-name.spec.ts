import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { testDaemon } from '../support/test-daemon.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
const directory = mkdtempSync(join(tmpdir(), 'lacuna-ledger-name-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const start = (name: string) =>
  testDaemon(database(), { settings: { LACUNA_DATA_DIR: directory, LACUNA_LEDGER_NAME: name } });

/** What a daemon of this name publishes; it is stopped again. */
async function published(name: string): Promise<string> {
  const daemon = await start(name);
  const keys = await (await daemon.get('nobody', '/.well-known/jwks.json')).text();
  await daemon.close();
  return keys;
}

it('a daemon does not start under another name than its logs began with, and nothing is changed by the attempt', async () => {
  const before = await published('first.test');
  await expect(start('second.test')).rejects.toMatchObject({
    code: 'LEDGER_NAME_CHANGED',
    message: expect.stringContaining('set LACUNA_LEDGER_NAME to that') as string,
    details: { name: 'first.test', given: 'second.test' },
  });
  expect(await published('first.test')).toBe(before);
  const logs = await database().admin`select origin from lacuna.log`;
  expect([...logs]).toEqual([{ origin: 'first.test/events' }]);
});
