import { expect, it } from 'vitest';
import { renderTimeline } from './plots/timeline-plot.js';
import { requestRows, type TimelineRelease, timelineAsText } from './timeline-report.js';

const verdict = (requestId: string, verdict: string, recurred = false) => ({
  requestId,
  verdict,
  statistic: 0.5,
  recurred,
});

const release = (name: string, overrides: Partial<TimelineRelease> = {}): TimelineRelease => ({
  release: {
    id: `id-${name}`,
    name,
    registeredAt: '2026-11-23T16:19:06.664Z',
    isCurrent: false,
    withdrawal: null,
    supersession: null,
    drifts: { nodes: [] },
    latestCheck: { nodes: [] },
  },
  verification: { id: 'v', result: 'PASSED', cause: 'RELEASE', treeSize: '10' },
  verifiedAt: '2026-11-23T16:20:00.000Z',
  attestedAt: '2026-11-23T16:20:01.000Z',
  attestationCount: 1,
  renewalCount: 0,
  latestAttestation: { id: 'a', issuedAt: '2026-11-23T16:20:01.000Z', expiresAt: '2027-02-21T16:20:01.000Z' },
  requests: [],
  ...overrides,
});

const clean = release('clean', {
  requests: [verdict('a', 'NO_RESIDUAL_EVIDENCE'), verdict('b', 'NO_RESIDUAL_EVIDENCE')],
});
const tuned = release('tuned', {
  requests: [verdict('a', 'INCONCLUSIVE'), verdict('b', 'RESIDUAL', true), verdict('c', 'RESIDUAL')],
  attestationCount: 3,
  renewalCount: 2,
});
const model = { id: 'm', name: 'news' };

it('puts what was ever residual first, and leaves a gap where a request was not tested', () => {
  expect(requestRows([clean, tuned])).toEqual([
    { requestId: 'b', letters: '.!' },
    { requestId: 'c', letters: ' R' },
    { requestId: 'a', letters: '.?' },
  ]);
});

it('counts verdicts, recurrences and attestations of each release', () => {
  const text = timelineAsText(model, [clean, tuned], 'x.svg');
  expect(text).toMatch(/clean +│ 2026-11-23 16:19 │ 2026-11-23 16:20 │ PASSED │ 2 +│ 0 +│ 0 +│ 0 /);
  expect(text).toMatch(/tuned +│ .* │ PASSED │ 0 +│ 2 +│ 1 +│ 1 /);
  expect(text).toContain('3 in all, 2 renewed');
  expect(text).toContain('2027-02-21 16:20');
  expect(text).toMatch(/plot: x\.svg\n$/);
});

it('says how each release stands', () => {
  const of = (standing: object) =>
    timelineAsText(model, [release('r', { release: { ...clean.release, ...standing } })], null);
  expect(of({ isCurrent: true })).toContain('current');
  const at = '2026-11-24T00:00:00.000Z';
  expect(of({ withdrawal: { reason: 'DEFECTIVE', at } })).toContain('withdrawn 2026-11-24 00:00: DEFECTIVE');
  expect(of({ supersession: { at, successor: { id: 's', name: 'next' } } })).toContain(
    'superseded 2026-11-24 00:00 by next',
  );
});

it('says when endpoints drifted, and what the latest check found', () => {
  const check = {
    checkedAt: '2026-11-25T03:00:01.000Z',
    outcome: 'DIFFERENT',
    generation: 0,
    sampled: 64,
    differing: 60,
    largestDifference: 1.25,
    errorCode: null,
  };
  const of = (latest: object, drifts: readonly object[] = []) => {
    const nodes = (checks: readonly object[]) => ({ nodes: checks.map((one) => ({ ...check, ...one })) });
    const checked = { drifts: nodes(drifts), latestCheck: nodes([latest]) };
    return timelineAsText(model, [release('r', { release: { ...clean.release, ...checked } })], null);
  };
  const same = { outcome: 'SAME', generation: 1, differing: 0, largestDifference: 0.0004 };
  const text = of(same, [{}]);
  expect(text).toContain('clean  2026-11-25 03:00  SAME: 64 asked, largest difference 0.000\n');
  expect(text).toContain(
    'DIFFERENT: 60 of 64, largest difference 1.250; all signals measured anew, generation 1\n',
  );
  // The latest is one of the drifts: said once.
  expect(of({}, [{}]).match(/DIFFERENT/g)).toHaveLength(1);
  expect(of({ outcome: 'UNREACHABLE', errorCode: 'RUNTIME_UNAVAILABLE' })).toContain(
    'UNREACHABLE: no answer (RUNTIME_UNAVAILABLE), nothing attested\n',
  );
  expect(of({}, [{ largestDifference: null, errorCode: 'RUNTIME_INPUT_MISMATCH' }])).toContain(
    '60 of 64 (RUNTIME_INPUT_MISMATCH); all',
  );
  expect(timelineAsText(model, [clean], null)).not.toContain('asked again');
});

it('leaves out what there is not yet', () => {
  const fresh = release('fresh', {
    verification: null,
    verifiedAt: null,
    attestedAt: null,
    attestationCount: 0,
    latestAttestation: null,
  });
  expect(timelineAsText(model, [fresh], null)).not.toMatch(/null|undefined|NaN|residual again|plot/);
  const many = release('many', {
    requests: Array.from({ length: 45 }, (_, i) => verdict(`r${i}`, 'NO_RESIDUAL_EVIDENCE')),
  });
  expect(timelineAsText(model, [many], null)).toContain('and 5 more: see --json');
});

it('draws a cell a verdict in its colour and a dot a recurrence', async () => {
  const svg = await renderTimeline({ model: 'A & B', releases: [clean, tuned] });
  expect(svg).toMatch(/^<svg[^>]*viewBox/);
  const filled = (colour: string) => svg.split(`fill="${colour}"`).length - 1;
  // Three cells are verdicts of these colours twice, and each colour is in the legend once.
  expect(filled('#D55E00')).toBe(3);
  expect(filled('#009E73')).toBe(3);
  expect(filled('#E69F00')).toBe(2);
  // The background, and the one recurrence.
  expect(filled('white')).toBe(2);
  expect(svg).toContain('A &amp; B: 3 requests under 2 releases');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
