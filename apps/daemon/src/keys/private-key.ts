/** Private keys in PKCS#8 PEM files: read, or made on first start with mode 0600. Proven by daemon-keys.spec.ts. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readOrCreateSecret } from '@app/access';
import { DaemonError } from '../errors.js';

/**
 * The key in `configured`, or in `fallback`, which is made with a new Ed25519 key where it does not exist. A configured
 * file is never made: a mistyped path would quietly begin a new identity.
 * @throws DaemonError `DAEMON_KEY_UNUSABLE`, AccessError `SECRET_FILE_UNUSABLE`
 */
export function openPrivateKey(configured: string | undefined, fallback: string): KeyObject {
  const path = configured ?? fallback;
  const pem = configured ? readConfigured(configured) : readOrCreateSecret(fallback, newEd25519Pem).text;
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is dropped on purpose: a parser's message may quote its input.
    throw new DaemonError('DAEMON_KEY_UNUSABLE', `${path} holds no private key in PKCS#8 PEM`);
  }
}

function newEd25519Pem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function readConfigured(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DaemonError('DAEMON_KEY_UNUSABLE', `cannot read the key file ${path}`, { cause });
  }
}
