import { afterAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expect-refused.js';
import { openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database()));
afterAll(() => bench?.close());

const refused = (attempt: () => Promise<unknown>, shape: object) => expectRefused(database(), attempt, shape);

/** A model with releases `v0`, `v1` …, oldest first. */
async function modelWith(count: number): Promise<{ modelId: string; ids: string[] }> {
  const { modelKnowing, record, releases } = await open();
  const { modelId } = await modelKnowing(['a']);
  const ids: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { recordingId } = await record(['a']);
    const input = { modelId, name: `v${i}`, recordingId, idempotencyKey: `${modelId}/v${i}` };
    ids.push((await releases.register(input, PLATFORM)).releaseId);
  }
  return { modelId, ids };
}

const withdraw = (releaseId: string, key = bench.unique('withdrawal')) =>
  bench.standings.withdraw({ releaseId, reason: 'DEFECTIVE', idempotencyKey: key }, PLATFORM);
const supersede = (releaseId: string, successorId: string, key = bench.unique('supersession')) =>
  bench.standings.supersede({ releaseId, successorId, idempotencyKey: key }, PLATFORM);

const current = async (modelId: string) => (await bench.releases.currentRelease(modelId))?.releaseId ?? null;

/** Plan jobs of a release that have the cause of a new release. */
async function plans(releaseId: string): Promise<number> {
  const [row] = await database().admin<{ n: number }[]>`
    select count(*)::int as n from pgboss.job where name = 'verification.plan'
      and data->>'releaseId' = ${releaseId} and data->>'cause' = 'release'`;
  return row!.n;
}

/** Jobs that wait are as if a worker had taken them. */
const takeJobs = () => database().admin`update pgboss.job set state = 'completed' where state = 'created'`;

describe('a withdrawn release', () => {
  it('has a row and an event that say the same, and leaves its place to the newest one in use', async () => {
    const { modelId, ids } = await modelWith(3);
    const [oldest, middle, newest] = ids as [string, string, string];
    await takeJobs();
    expect(await withdraw(newest)).toMatchObject({ releaseId: newest });
    const [withdrawal] = await bench.standings.withdrawals([newest, middle, 'no-id']);
    const { eventIndex, ...columns } = withdrawal!;
    expect(columns).toMatchObject({ releaseId: newest, reason: 'DEFECTIVE', withdrawnBy: PLATFORM });
    expect(JSON.parse((await bench.ledger.event(eventIndex)).content)).toEqual({
      type: 'release-withdrawn',
      ...columns,
      withdrawnAt: columns.withdrawnAt.toISOString(),
    });
    expect(await current(modelId)).toBe(middle);
    // The one that is served now may never have been held against the newest commitments.
    expect(await plans(middle)).toBe(2);
    await withdraw(oldest);
    expect(await current(modelId)).toBe(middle);
    expect(await plans(oldest)).toBe(1);
    await withdraw(middle);
    expect(await current(modelId)).toBeNull();
    expect(await bench.releases.currentReleases([modelId])).toEqual([]);
  });

  it('keeps its number: the next release gets one of its own', async () => {
    const { modelId, ids } = await modelWith(1);
    await withdraw(ids[0]!);
    const { recordingId } = await bench.record(['a']);
    const next = await bench.releases.register(
      { modelId, name: 'next', recordingId, idempotencyKey: `${modelId}/next` },
      PLATFORM,
    );
    expect(next.ordinal).toBe(1);
    expect(await current(modelId)).toBe(next.releaseId);
  });

  it('is withdrawn once: eight times at once under one key, and refused under another', async () => {
    const { ids } = await modelWith(1);
    const before = await rowCounts(database());
    const key = bench.unique('withdrawal');
    await Promise.all(Array.from({ length: 8 }, () => withdraw(ids[0]!, key)));
    const after = await rowCounts(database());
    expect(after['release_withdrawal']).toBe(before['release_withdrawal']! + 1);
    expect(after['event']).toBe(before['event']! + 1);
    await refused(() => withdraw(ids[0]!), { code: 'REGISTRY_RELEASE_WITHDRAWN' });
    await refused(
      () =>
        bench.standings.withdraw({ releaseId: ids[0]!, reason: 'RETIRED', idempotencyKey: key }, PLATFORM),
      { code: 'LEDGER_IDEMPOTENCY_CONFLICT' },
    );
  });

  it('must exist, with a reason that is one of the words', async () => {
    await open();
    await refused(() => withdraw('00000000-0000-4000-8000-000000000000'), { code: 'REGISTRY_NOT_FOUND' });
    const { ids } = await modelWith(1);
    const reason = 'because Alice asked' as 'RETIRED';
    await refused(
      () => bench.standings.withdraw({ releaseId: ids[0]!, reason, idempotencyKey: 'k' }, PLATFORM),
      { code: 'REGISTRY_INPUT_INVALID', details: { field: 'reason' } },
    );
  });
});

describe('a superseded release', () => {
  it('is not current, also where an older release took its place', async () => {
    const { modelId, ids } = await modelWith(2);
    const [older, newer] = ids as [string, string];
    await takeJobs();
    await supersede(newer, older);
    expect(await current(modelId)).toBe(older);
    expect(await plans(older)).toBe(2);
    const [supersession] = await bench.standings.supersessions([newer, older]);
    const { eventIndex, ...columns } = supersession!;
    expect(columns).toMatchObject({ releaseId: newer, successorId: older, supersededBy: PLATFORM });
    expect(JSON.parse((await bench.ledger.event(eventIndex)).content)).toEqual({
      type: 'release-superseded',
      ...columns,
      supersededAt: columns.supersededAt.toISOString(),
    });
  });

  it('can be withdrawn, but not superseded again; a withdrawn one not at all', async () => {
    const { ids } = await modelWith(3);
    const [a, b, c] = ids as [string, string, string];
    await supersede(a, b);
    await refused(() => supersede(a, c), { code: 'REGISTRY_RELEASE_SUPERSEDED' });
    await withdraw(a);
    await withdraw(b);
    await refused(() => supersede(b, c), { code: 'REGISTRY_RELEASE_WITHDRAWN' });
  });

  it('has a successor of its model that is in use', async () => {
    const { ids } = await modelWith(4);
    const [a, b, c, d] = ids as [string, string, string, string];
    const other = await modelWith(1);
    await withdraw(c);
    await supersede(a, b);
    const rows: [string, string, string][] = [
      [b, b, 'itself'],
      [b, other.ids[0]!, 'other-model'],
      [d, c, 'withdrawn'],
      [b, a, 'superseded'],
    ];
    for (const [releaseId, successorId, why] of rows) {
      await refused(() => supersede(releaseId, successorId), {
        code: 'REGISTRY_SUCCESSOR_UNUSABLE',
        details: { why },
      });
    }
  });

  it('never in a circle, whoever is first', async () => {
    const { modelId, ids } = await modelWith(2);
    const [a, b] = ids as [string, string];
    const outcomes = await Promise.allSettled([supersede(a, b), supersede(b, a)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await current(modelId)).not.toBeNull();
  });
});
