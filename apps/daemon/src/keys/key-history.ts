/**
 * Which keys were in use when: pure transitions of the published key set. A new key retires the one before it of the
 * same purpose; nothing is ever dropped, or what the old key signed could not be checked any more.
 * Proven by daemon-keys.spec.ts.
 */
import type { KeySet, KeySetEntry } from '@app/attestation';
import { DaemonError } from '../errors.js';

/** Checkpoint keys carry a C2SP verifier key, attestation keys do not. */
const signsCheckpoints = (key: KeySetEntry): boolean => 'lacuna:vkey' in key;

/**
 * `history` with `current` in use at `now`: unchanged when it is already, otherwise appended, and every other active
 * key of its purpose retired. A retired key that comes back is active again from its first day on.
 * @throws DaemonError `DAEMON_KEY_REVOKED`
 */
export function takeIntoUse(history: KeySet, current: KeySetEntry, now: Date): KeySet {
  const known = history.keys.find((key) => key.kid === current.kid);
  if (known?.['lacuna:status'] === 'revoked') {
    throw new DaemonError('DAEMON_KEY_REVOKED', 'the configured key is revoked in keys/history.json', {
      details: { kid: current.kid },
    });
  }
  const others = history.keys.filter((key) => key.kid !== current.kid);
  const retired = others.map((key) =>
    signsCheckpoints(key) === signsCheckpoints(current) && key['lacuna:status'] === 'active'
      ? { ...key, 'lacuna:status': 'retired' as const, 'lacuna:notAfter': now.toISOString() }
      : key,
  );
  const since = known?.['lacuna:notBefore'] ?? current['lacuna:notBefore'];
  return { keys: [...retired, { ...current, 'lacuna:notBefore': since }] };
}
