/** The witness policy of this daemon: read once at start, so that a mistake in it keeps the daemon from starting. */
import { readFileSync } from 'node:fs';
import type { Config } from '@app/config';
import type { Witnessing } from '@app/ledger';
import { askWitness, parsePublishingPolicy } from '@app/witness';
import { DaemonError } from '../errors.js';

/** Longer holds checkpoints up for a witness that hangs; shorter gives up on one that syncs to a slow disk. */
const WITNESS_TIMEOUT_MS = 5_000;

/**
 * The witnesses to ask, or null where no policy is configured.
 * @throws DaemonError `DAEMON_WITNESS_POLICY_UNREADABLE`, TlogError `TLOG_POLICY_MALFORMED`, WitnessError
 *   `WITNESS_POLICY_UNUSABLE`
 */
export function openWitnessing({ LACUNA_WITNESS_POLICY: path }: Config): Witnessing | null {
  if (path === undefined) return null;
  const policy = parsePublishingPolicy(readPolicy(path));
  return {
    policy,
    ask: (witness, order, signal) => askWitness(witness, order, { timeoutMs: WITNESS_TIMEOUT_MS, signal }),
  };
}

function readPolicy(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new DaemonError('DAEMON_WITNESS_POLICY_UNREADABLE', `cannot read the witness policy ${path}`, {
      cause,
    });
  }
}
