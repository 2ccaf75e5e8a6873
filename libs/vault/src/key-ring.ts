/**
 * The key-encryption keys: one file, one key a line, the first one active, the others kept to read what they wrapped.
 * A key's id is a fingerprint of it, so that a wrong key is never tried and a renamed one is still found. The file is read
 * again when it changes or when a key is missed: a rotation needs no restart. Proven by key-ring.spec.ts.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '@app/config';
import { VaultError } from './errors.js';

/** AES-256. */
const KEY_BYTES = 32;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const ID_DOMAIN = 'lacuna vault key id v1\n';

/** Where the key file is: as configured, or with the other keys below the data directory. */
export const vaultKeyFile = (config: Pick<Config, 'LACUNA_VAULT_KEY'>, dataDirectory: string): string =>
  config.LACUNA_VAULT_KEY ?? join(dataDirectory, 'keys', 'vault.keys');

export interface VaultKey {
  /** 16 hexadecimal digits of a hash of the key. */
  readonly keyId: string;
  readonly key: Uint8Array;
}

/** The text of a key file with one new key. */
export const newVaultKeyText = (): string => `${randomBytes(KEY_BYTES).toString('base64')}\n`;

/**
 * The keys in the text of a key file, active one first. Empty lines and lines that begin with `#` do not count.
 * @throws VaultError VAULT_KEY_UNUSABLE, naming the line
 */
export function parseVaultKeys(text: string): readonly VaultKey[] {
  const keys = text.split('\n').flatMap((raw, at) => {
    const line = raw.trim();
    return line === '' || line.startsWith('#') ? [] : [parseKey(line, at + 1)];
  });
  if (keys.length === 0) throw new VaultError('VAULT_KEY_UNUSABLE', 'the vault key file holds no key');
  return keys;
}

function parseKey(line: string, at: number): VaultKey {
  if (!HEX.test(line) && !BASE64.test(line)) {
    throw new VaultError(
      'VAULT_KEY_UNUSABLE',
      `line ${at} of the vault key file is no key: give 32 bytes in base64 or hexadecimal`,
      { details: { line: at } },
    );
  }
  const key = Buffer.from(line, HEX.test(line) ? 'hex' : 'base64');
  const digest = createHash('sha256').update(ID_DOMAIN).update(key).digest('hex');
  return { keyId: digest.slice(0, 16), key };
}

export class VaultKeyRing {
  private keys: readonly VaultKey[] = [];
  private stamp = '';

  /** @param path the key file; read when a key is first needed, so that whoever stores nothing needs none */
  constructor(readonly path: string) {}

  /** The key that wraps what is stored from now on. @throws VaultError VAULT_KEY_UNUSABLE */
  active(): VaultKey {
    this.refresh();
    return this.keys[0]!;
  }

  /** All keys, the active one first. @throws VaultError VAULT_KEY_UNUSABLE */
  all(): readonly VaultKey[] {
    this.refresh();
    return this.keys;
  }

  /** @throws VaultError VAULT_KEY_MISSING, VAULT_KEY_UNUSABLE */
  find(keyId: string): VaultKey {
    const known = this.keys.find((key) => key.keyId === keyId);
    if (known) return known;
    this.refresh();
    const found = this.keys.find((key) => key.keyId === keyId);
    if (found) return found;
    throw new VaultError(
      'VAULT_KEY_MISSING',
      `the vault key ${keyId} is not in the key file of this process; add it as a further line`,
      { details: { keyId }, retryable: true },
    );
  }

  private refresh(): void {
    try {
      const { mtimeMs, size, ino } = statSync(this.path);
      const stamp = `${mtimeMs}:${size}:${ino}`;
      if (stamp === this.stamp) return;
      this.keys = parseVaultKeys(readFileSync(this.path, 'utf8'));
      this.stamp = stamp;
    } catch (error) {
      if (error instanceof VaultError) throw error;
      // The cause of a failed read names the file and the system's reason, never its content.
      throw new VaultError('VAULT_KEY_UNUSABLE', 'the vault key file cannot be read; set LACUNA_VAULT_KEY', {
        cause: error,
      });
    }
  }
}
