/**
 * Checkpoints of the ledger's logs, verified through the key set. One Ed25519 key signs all logs of a ledger;
 * as C2SP asks, its key name in a checkpoint is the log's origin. Proven by verify.spec.ts.
 */
import { createVerifierKey, openCheckpoint } from '@app/tlog';
import type { Checkpoint, VerifierKey } from '@app/tlog';
import { refusal } from './errors.js';
import type { KeySet, KeySetEntry } from './key-set.js';
import { checkpointKey } from './key-set.js';

export interface CheckpointUse {
  readonly origin: string;
  /** Path of the checkpoint in the document, for the refusal. */
  readonly where: string;
  /** When the attestation was made. */
  readonly at: string;
  /** True for a checkpoint signed at or after `at`, perhaps by a key that came into use since. */
  readonly orLater: boolean;
}

/**
 * The checkpoint in the signed note, if a key of the set that signs for `use.origin` signed it in its time.
 * @throws ATTESTATION_KEY_REVOKED, ATTESTATION_KEY_OUTSIDE_ITS_TIME, ATTESTATION_CHECKPOINT_INVALID
 */
export function openLogCheckpoint(note: string, keySet: KeySet, use: CheckpointUse): Checkpoint {
  let cause: unknown;
  for (const key of keySet.keys) {
    for (const verifier of verifiersFor(key, use.origin)) {
      let checkpoint: Checkpoint;
      try {
        checkpoint = openCheckpoint(note, verifier, use.origin);
      } catch (error) {
        cause ??= error;
        continue;
      }
      checkUse(key, use);
      return checkpoint;
    }
  }
  const reason = cause === undefined ? 'the key set has no key for this log' : 'no listed key signed it';
  throw refusal('ATTESTATION_CHECKPOINT_INVALID', use.where, `checkpoint of ${use.origin}: ${reason}`, cause);
}

/** The key under the names with which it may have signed for `origin`: its own, and that of a log below it. */
function verifiersFor(key: KeySetEntry, origin: string): VerifierKey[] {
  const own = checkpointKey(key);
  if (own === undefined) return [];
  if (own.name === origin) return [own];
  return origin.startsWith(`${own.name}/`) ? [createVerifierKey({ ...own, name: origin }), own] : [];
}

function checkUse(key: KeySetEntry, { at, orLater, where }: CheckpointUse): void {
  if (key['lacuna:status'] === 'revoked')
    throw refusal('ATTESTATION_KEY_REVOKED', where, 'the checkpoint was signed by a revoked key');
  const notAfter = key['lacuna:notAfter'];
  const begun = orLater || at >= key['lacuna:notBefore'];
  if (!begun || (notAfter !== undefined && at > notAfter))
    throw refusal('ATTESTATION_KEY_OUTSIDE_ITS_TIME', where, `the checkpoint’s key was not in use at ${at}`);
}
