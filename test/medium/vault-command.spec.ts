/** `lacuna vault` beside a running daemon: status, rotation, two rotations at once, and keys that are wrong or missing. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newVaultKeyText } from '@app/vault';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { addVaultCommand } from '../../apps/cli/src/commands/vault.command.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { postgresUrl, type TestDatabase, testDatabase } from '../support/test-database.js';

interface Status {
  keys: { keyId: string; segments: number; samples: number; active: boolean; known: boolean }[];
}

const UPLOADS = 3;
let database: TestDatabase;
let daemon: TestDaemon;
let modelId: string;
const keyFile = () => join(daemon.directory, 'keys', 'vault.keys');

beforeEach(async () => {
  database = await testDatabase();
  daemon = await testDaemon(database);
  vi.stubEnv('LACUNA_DATA_DIR', daemon.directory);
  vi.stubEnv('LACUNA_DATABASE_URL', postgresUrl(database.address));
  const { data } = await daemon.graphql(
    'platform',
    'mutation { registerModel(input: {idempotencyKey: "m", name: "m", signalKind: LOSS}) { id } }',
  );
  modelId = (data!['registerModel'] as { id: string }).id;
  for (let n = 0; n < UPLOADS; n += 1) expect((await upload(`s${n}`)).status).toBe(200);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await daemon.close();
  await database.close();
});

const upload = (sampleId: string) =>
  daemon.upload(
    'platform',
    `/v1/models/${modelId}/samples`,
    `${JSON.stringify({ sampleId, text: sampleId })}\n`,
  );

/** What the command prints. */
async function vault(...words: string[]): Promise<string> {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const progress = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const program = new Command();
  addVaultCommand(program);
  try {
    await program.parseAsync(['node', 'lacuna', 'vault', ...words]);
  } finally {
    out.mockRestore();
    progress.mockRestore();
  }
  return written.join('');
}
const status = async () => (JSON.parse(await vault('status', '--json')) as Status).keys;

it('shows the keys, and brings everything under a new one while the daemon goes on', async () => {
  const [old] = await status();
  expect(old).toMatchObject({ segments: UPLOADS, samples: UPLOADS, active: true, known: true });
  const { mode, uid } = statSync(keyFile());
  expect(await vault('rotate', '--new-key')).toContain(`${UPLOADS} segment(s) wrapped again`);
  expect(statSync(keyFile())).toMatchObject({ mode, uid });
  expect(readdirSync(join(daemon.directory, 'keys')).filter((name) => name.endsWith('.draft'))).toEqual([]);
  const [active, unused] = await status();
  expect(active).toMatchObject({ segments: UPLOADS, active: true });
  expect(unused).toMatchObject({ keyId: old!.keyId, segments: 0, active: false });
  // The daemon has read the new key: what comes now lies under it, and what was there is still known.
  expect(await (await upload('s0')).json()).toMatchObject({ stored: 0, known: 1 });
  expect(await (await upload('later')).json()).toMatchObject({ stored: 1 });
  expect((await status())[0]).toMatchObject({ segments: UPLOADS + 1, active: true });
  expect(await vault('rotate')).toContain('0 segment(s) wrapped again');
});

it('lets one rotation run at a time, so that no key is lost', async () => {
  const runs = await Promise.allSettled(Array.from({ length: 3 }, () => vault('rotate', '--new-key')));
  const refused = runs
    .filter((run) => run.status === 'rejected')
    .map((run) => run.reason as { code: string });
  for (const { code } of refused) expect(code).toBe('VAULT_ROTATION_RUNNING');
  const lines = readFileSync(keyFile(), 'utf8').trim().split('\n');
  expect(lines).toHaveLength(1 + runs.length - refused.length);
  const keys = await status();
  expect(keys.every(({ known }) => known)).toBe(true);
  expect(await (await upload('s0')).json()).toMatchObject({ known: 1 });
});

it('refuses a rotation while another one has the lock, and leaves the key file alone', async () => {
  const before = readFileSync(keyFile(), 'utf8');
  const other = await database.admin.reserve();
  await other`select pg_advisory_lock(4466000020)`;
  await expect(vault('rotate', '--new-key')).rejects.toMatchObject({
    code: 'VAULT_ROTATION_RUNNING',
    retryable: true,
  });
  await other`select pg_advisory_unlock(4466000020)`;
  other.release();
  expect(readFileSync(keyFile(), 'utf8')).toBe(before);
  expect(await vault('rotate', '--new-key')).toContain(`${UPLOADS} segment(s) wrapped again`);
});

it('goes on where a rotation was cut short, with its key in the file and a draft beside it', async () => {
  writeFileSync(keyFile(), newVaultKeyText() + readFileSync(keyFile(), 'utf8'));
  writeFileSync(`${keyFile()}.draft`, 'half a k');
  expect((await status())[1]).toMatchObject({ segments: UPLOADS, active: false });
  expect(await vault('rotate')).toContain(`${UPLOADS} segment(s) wrapped again`);
  expect(await vault('rotate', '--new-key')).toContain(`${UPLOADS} segment(s) wrapped again`);
  expect(readFileSync(keyFile(), 'utf8').trim().split('\n')).toHaveLength(3);
});

it('names a key that is missing, changes nothing, and goes on when it is there again', async () => {
  const kept = readFileSync(keyFile(), 'utf8');
  writeFileSync(keyFile(), newVaultKeyText());
  expect(await vault('status')).toContain('MISSING in the key file');
  const lacking = readFileSync(keyFile(), 'utf8');
  for (const words of [['rotate'], ['rotate', '--new-key']])
    await expect(vault(...words)).rejects.toMatchObject({ code: 'VAULT_KEY_MISSING' });
  expect(readFileSync(keyFile(), 'utf8')).toBe(lacking);
  writeFileSync(keyFile(), 'no key\n');
  await expect(vault('rotate', '--new-key')).rejects.toMatchObject({ code: 'VAULT_KEY_UNUSABLE' });
  expect(readFileSync(keyFile(), 'utf8')).toBe('no key\n');
  writeFileSync(keyFile(), newVaultKeyText() + kept);
  expect(await vault('rotate')).toContain(`${UPLOADS} segment(s) wrapped again`);
  expect(await (await upload('s0')).json()).toMatchObject({ known: 1 });
});

it('says that there is no database behind the address', async () => {
  vi.stubEnv('LACUNA_DATABASE_URL', 'postgres://somebody:secret@127.0.0.1:1/lacuna');
  await expect(vault('status')).rejects.toMatchObject({
    code: 'PERSISTENCE_UNREACHABLE',
    message: 'no database: connect ECONNREFUSED 127.0.0.1:1; start it, or correct LACUNA_DATABASE_URL',
  });
});
