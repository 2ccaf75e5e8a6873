import { expect, it } from 'vitest';
import { type ReleaseState, reverifyReason } from './reverification.js';

const at = (text: string): Date => new Date(`${text}T00:00:00Z`);
const newest: NonNullable<ReleaseState['newest']> = {
  profileId: 'p',
  treeSize: 10n,
  status: 'ATTESTED',
  erasedSince: false,
};
const state: ReleaseState = {
  releaseId: 'r',
  runsAtEndpoint: false,
  profileId: 'p',
  committed: 10n,
  newest,
  attestation: { issuedAt: at('2026-01-01'), expiresAt: at('2026-03-02') },
};
const reasonOf = (changed: Partial<ReleaseState>, now = '2026-01-10', next = '2026-01-11') =>
  reverifyReason({ ...state, ...changed }, { dueAt: at(now), now: at(now), next: at(next) });

it.each([
  ['nothing changed', {}, null],
  ['it was not begun', { newest: null, attestation: null }, 'never-verified'],
  ['the profile is newer', { profileId: 'q' }, 'profile'],
  ['there are more commitments', { committed: 11n }, 'commitments'],
  ['the verification covers more than was acknowledged', { committed: 9n }, null],
  ['a request was erased', { newest: { ...newest, erasedSince: true } }, 'erasure'],
  ['it failed', { newest: { ...newest, status: 'FAILED' } }, 'failed'],
  ['it is under way', { newest: { ...newest, status: 'SCORING' }, runsAtEndpoint: true }, null],
  [
    'it is under way for an old profile',
    { newest: { ...newest, status: 'SCORING' }, profileId: 'q' },
    'profile',
  ],
  ['an endpoint answers for it', { runsAtEndpoint: true }, 'endpoint'],
] as const)('where %s', (_what, changed, reason) => {
  expect(reasonOf(changed)).toBe(reason);
});

it('renews when a third of the life is left, or when the next time would be too late', () => {
  expect(reasonOf({}, '2026-02-09', '2026-02-10')).toBeNull();
  expect(reasonOf({}, '2026-02-10', '2026-02-11')).toBe('expiring');
  expect(reasonOf({}, '2026-04-01', '2026-04-02')).toBe('expiring');
  expect(reasonOf({}, '2026-01-10', '2026-03-01')).toBeNull();
  expect(reasonOf({}, '2026-01-10', '2026-03-02')).toBe('expiring');
});
