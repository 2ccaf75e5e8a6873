import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { checkSchema, connect, dataDirectory, openKysely } from '@app/persistence';
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

export async function runVaultStatus({ json }: { readonly json?: true }): Promise<void> {
  await withVault(async (vault) => {
    const status = await vault.status();
    process.stdout.write(json ? `${JSON.stringify(status, bigintAsText)}\n` : formatStatus(status));
  });
}

export async function runVaultRotate({ newKey }: { readonly newKey?: true }): Promise<void> {
  await withVault(async (vault, keyFile) => {
    if (newKey) addKey(keyFile);
    const done = await vault.rotate();
    process.stdout.write(`${done} segment(s) wrapped again\n${formatStatus(await vault.status())}`);
  });
}

async function withVault(work: (vault: VaultService, keyFile: string) => Promise<void>): Promise<void> {
  const { config, database } = await openOperatorDatabase();
  const sql = connect(database.address, { as: 'application', name: 'lacuna-vault', poolSize: 2 });
  try {
    await checkSchema(sql);
    const keyFile = vaultKeyFile(config, dataDirectory(config).path);
    await work(openVault(openKysely(sql), keyFile), keyFile);
  } finally {
    await sql.end();
    await database.close();
  }
}

/** Renamed into place, so that a crash leaves the old keys or all of them, never fewer. */
function addKey(path: string): void {
  const draft = `${path}.${process.pid}.draft`;
  try {
    const known = readFileSync(path, 'utf8');
    const file = openSync(draft, 'wx', 0o600);
    writeSync(file, newVaultKeyText() + known);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, path);
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
