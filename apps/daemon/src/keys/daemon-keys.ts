/**
 * The daemon's two identities and their published history. The attestation key signs statements, the log key signs
 * checkpoints; one never does the other's work. Proven by daemon-keys.spec.ts.
 */
import type { KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatKeySet,
  type KeySet,
  type KeySetEntry,
  openSigningKey,
  parseKeySet,
  publishKey,
  type SigningKey,
} from '@app/attestation';
import type { Config } from '@app/config';
import { newVaultKeyText, vaultKeyFile } from '@app/vault';
import { readOrCreateSecret } from '@app/access';
import { createEd25519Signer, formatVerifierKey } from '@app/tlog';
import { DaemonError } from '../errors.js';
import { takeIntoUse } from './key-history.js';
import { openPrivateKey } from './private-key.js';

export interface DaemonKeys {
  readonly attestation: SigningKey;
  /** Ed25519; the ledger names it after each log's origin. */
  readonly log: KeyObject;
  readonly keySet: KeySet;
  /** {@link keySet} as served at /.well-known/jwks.json. */
  readonly jwks: string;
}

/**
 * The keys below `directory` or from the configuration, taken into use at `now` in keys/history.json. The vault's key
 * file is made beside them on the first start; the vault reads it by itself.
 * @throws DaemonError `DAEMON_KEY_UNUSABLE`, `DAEMON_KEY_REVOKED`, `DAEMON_KEY_HISTORY_UNUSABLE`
 * @throws AttestationError `SIGNING_KEY_UNUSABLE` for a key that is neither Ed25519 nor P-256
 */
export function openDaemonKeys(config: Config, directory: string, now: Date): DaemonKeys {
  const place = join(directory, 'keys');
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const attestationKey = openPrivateKey(config.LACUNA_ATTESTATION_KEY, join(place, 'attestation.pem'));
  const log = openPrivateKey(config.LACUNA_LOG_KEY, join(place, 'log.pem'));
  if (!config.LACUNA_VAULT_KEY) readOrCreateSecret(vaultKeyFile(config, directory), newVaultKeyText);
  const attestation = openSigningKey(attestationKey.export({ format: 'jwk' }));
  const entries = [
    publishKey(attestation.publicJwk, { status: 'active', notBefore: now.toISOString() }),
    logKeyEntry(log, config.LACUNA_LEDGER_NAME, now),
  ];
  if (entries[0]?.kid === entries[1]?.kid) {
    throw new DaemonError(
      'DAEMON_KEY_UNUSABLE',
      'LACUNA_ATTESTATION_KEY and LACUNA_LOG_KEY must be two different keys',
    );
  }
  const history = join(place, 'history.json');
  const before = readHistory(history);
  const keySet = entries.reduce((keys: KeySet, entry) => takeIntoUse(keys, entry, now), before);
  const jwks = formatKeySet(keySet);
  if (formatKeySet(before) !== jwks) writeHistory(history, jwks);
  return { attestation, log, keySet, jwks };
}

function logKeyEntry(log: KeyObject, ledgerName: string, now: Date): KeySetEntry {
  const { publicJwk } = openSigningKey(log.export({ format: 'jwk' }));
  const vkey = formatVerifierKey(createEd25519Signer(ledgerName, log));
  return publishKey(publicJwk, { status: 'active', notBefore: now.toISOString() }, vkey);
}

function readHistory(path: string): KeySet {
  try {
    return parseKeySet(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { keys: [] };
    throw new DaemonError('DAEMON_KEY_HISTORY_UNUSABLE', `${path} is not the key history`, { cause });
  }
}

/** Renamed into place, so that a kill -9 leaves the old history or the new one. */
function writeHistory(path: string, text: string): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: 0o644, flush: true });
  renameSync(draft, path);
}
