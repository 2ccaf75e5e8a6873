import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { checkSchema, connect, dataDirectory, openKysely, type Sql } from '@app/persistence';
import {
  newVaultKeyText,
  openVault,
  VaultError,
  vaultKeyFile,
  type VaultService,
  type VaultStatus,
} from '@app/vault';
import Table from 'cli-table3';
import { openOperatorDatabase } from '../open-operator-database.js';

/** Any fixed number, of this command alone. */
const ROTATION_LOCK = 4_466_000_020;

export async function runVaultStatus({ json }: { readonly json?: true }): Promise<void> {
  await withVault(async (vault) => {
    const status = await vault.status();
    process.stdout.write(json ? `${JSON.stringify(status, bigintAsText)}\n` : formatStatus(status));
  });
}

export async function runVaultRotate({ newKey }: { readonly newKey?: true }): Promise<void> {
  await withVault((vault, keyFile, sql) =>
    alone(sql, async () => {
      // A file that is no key file, or lacks a key that is needed, stays as it is.
      await vault.countToRotate();
      if (newKey) addKey(keyFile);
      const total = await vault.countToRotate();
      const done = await vault.rotate(
        (some) => void process.stderr.write(`${some} of ${total} segment(s)\n`),
      );
      process.stdout.write(`${done} segment(s) wrapped again\n${formatStatus(await vault.status())}`);
    }),
  );
}

/**
 * Two that add a key at once would each write the file without the other's key, under which segments may lie already. The lock
 * goes with the connection, however this process ends.
 * @throws VaultError `VAULT_ROTATION_RUNNING`
 */
async function alone(sql: Sql, work: () => Promise<void>): Promise<void> {
  const session = await sql.reserve();
  try {
    const [row] = await session<{ held: boolean }[]>`select pg_try_advisory_lock(${ROTATION_LOCK}) as held`;
    if (!row?.held) {
      const message = 'the vault is being rotated by somebody else; run it again when that is done';
      throw new VaultError('VAULT_ROTATION_RUNNING', message, { retryable: true });
    }
    await work();
  } finally {
    session.release();
  }
}

async function withVault(
  work: (vault: VaultService, keyFile: string, sql: Sql) => Promise<void>,
): Promise<void> {
  const { config, database } = await openOperatorDatabase();
  const sql = connect(database.address, { as: 'application', name: 'lacuna-vault', poolSize: 2 });
  try {
    await checkSchema(sql);
    const keyFile = vaultKeyFile(config, dataDirectory(config).path);
    await work(openVault(openKysely(sql), keyFile), keyFile, sql);
  } finally {
    await sql.end();
    await database.close();
  }
}

/**
 * Renamed into place and synced with its folder before anything lies under the new key, so that a crash leaves the old keys or
 * all of them, never fewer. The daemon may run as somebody else: owner and mode stay.
 */
function addKey(path: string): void {
  const draft = `${path}.draft`;
  try {
    const known = readFileSync(path, 'utf8');
    const { uid, gid, mode } = statSync(path);
    rmSync(draft, { force: true });
    const file = openSync(draft, 'wx', 0o600);
    fchownSync(file, uid, gid);
    fchmodSync(file, mode & 0o777);
    writeSync(file, newVaultKeyText() + known);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
    const folder = openSync(dirname(path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw new VaultError('VAULT_KEY_UNUSABLE', `cannot add a key to ${path}`, { cause });
  }
}

function formatStatus({ keys }: VaultStatus): string {
  const table = new Table({
    head: ['key', 'segments', 'samples', 'bytes', ''],
    style: { head: [], border: [] },
  });
  for (const { keyId, segments, samples, bytes, active, known } of keys) {
    const note = active
      ? 'active'
      : !known
        ? 'MISSING in the key file'
        : segments === 0
          ? 'not needed'
          : 'old';
    table.push([keyId, segments, samples, bytes.toString(), note]);
  }
  return `${table.toString()}\n`;
}

const bigintAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;
