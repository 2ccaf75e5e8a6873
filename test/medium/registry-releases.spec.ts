import { afterAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expect-refused.js';
import { openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database()));
afterAll(() => bench?.close());

const refused = (attempt: () => Promise<unknown>, shape: object) => expectRefused(database(), attempt, shape);

/** The plan jobs of a release, by cause. */
async function plans(releaseId: string): Promise<Record<string, number>> {
  const rows = await database().admin.unsafe<{ cause: string; n: number }[]>(
    `select data->>'cause' as cause, count(*)::int as n from pgboss.job
     where name = 'verification.plan' and data->>'releaseId' = $1 group by 1`,
    [releaseId],
  );
  return Object.fromEntries(rows.map((row) => [row.cause, row.n]));
}

const register = async (
  modelId: string,
  name: string,
  sampleIds: readonly string[],
  key = `${modelId}/${name}`,
) => {
  const { recordingId } = await bench.record(sampleIds);
  return bench.releases.register({ modelId, name, recordingId, idempotencyKey: key }, PLATFORM);
};

const file = (modelId: string, samples: readonly string[], key: string) =>
  bench.requests.file(
    {
      subject: 'subject',
      regime: 'GDPR',
      receivedAt: new Date('2026-01-01T00:00:00Z'),
      samples: samples.map((sampleId) => ({ modelId, sampleId })),
      idempotencyKey: key,
    },
    PLATFORM,
  );

describe('releases', () => {
  it('are numbered, bound to what was committed, put into an event, and planned at once', async () => {
    const { modelKnowing, releases, ledger } = await open();
    const { modelId } = await modelKnowing(['a', 'b']);
    expect(await releases.currentRelease(modelId)).toBeNull();
    const first = await register(modelId, 'v1', ['a']);
    expect(first).toMatchObject({ ordinal: 0, committedBefore: 0n, runtime: 'recorded' });
    await file(modelId, ['a', 'b', 'c'], `${modelId}-req`);
    const second = await register(modelId, 'v2', ['a', 'b']);
    expect(second).toMatchObject({ ordinal: 1, committedBefore: 3n });
    const { eventIndex, ...columns } = second;
    expect(JSON.parse((await ledger.event(eventIndex)).content)).toEqual({
      type: 'release-registered',
      ...columns,
      committedBefore: '3',
      registeredAt: second.registeredAt.toISOString(),
    });
    expect(await releases.currentRelease(modelId)).toEqual(second);
    expect(await releases.currentReleases([modelId, second.releaseId])).toEqual([second]);
    expect(await plans(first.releaseId)).toEqual({ release: 1, commitments: 1 });
    expect(await plans(second.releaseId)).toEqual({ release: 1 });
  });

  it('are registered once under one key, twice and eight times at once', async () => {
    const { modelKnowing } = await open();
    const { modelId } = await modelKnowing(['a']);
    const before = await rowCounts(database());
    const all = await Promise.all(Array.from({ length: 8 }, () => register(modelId, 'v1', ['a'])));
    all.push(await register(modelId, 'v1', ['a']));
    expect(new Set(all.map((one) => one.releaseId)).size).toBe(1);
    const after = await rowCounts(database());
    expect(after['release']).toBe(before['release']! + 1);
    expect(after['artifact_recording']).toBe(before['artifact_recording']! + 1);
    expect(await plans(all[0]!.releaseId)).toEqual({ release: 1 });
    await refused(() => register(modelId, 'v2', ['a'], `${modelId}/v1`), {
      code: 'LEDGER_IDEMPOTENCY_CONFLICT',
    });
  });

  it('get dense ordinals when eight come at once', async () => {
    const { modelKnowing } = await open();
    const { modelId } = await modelKnowing(['a']);
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => register(modelId, `v${i}`, ['a'])));
    expect(all.map((one) => one.ordinal).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('never change under their name', async () => {
    const { modelKnowing } = await open();
    const { modelId } = await modelKnowing(['a', 'b']);
    await register(modelId, 'v1', ['a']);
    await refused(() => register(modelId, 'v1', ['a'], `${modelId}-again`), { code: 'REGISTRY_NAME_TAKEN' });
    await bench.record(['a', 'b']);
    await refused(() => register(modelId, 'v1', ['a', 'b'], `${modelId}-changed`), {
      code: 'REGISTRY_ARTIFACT_MISMATCH',
    });
  });

  it('may name samples of the original, of sample sets and of deletion requests, and no others', async () => {
    const { modelKnowing, sets, record } = await open();
    const { modelId } = await modelKnowing(['original']);
    await sets.register(
      { modelId, role: 'controls', name: 'c', sampleIds: ['control'], idempotencyKey: `${modelId}-c` },
      PLATFORM,
    );
    await file(modelId, ['committed'], `${modelId}-req`);
    const other = await modelKnowing(['elsewhere']);
    await file(other.modelId, ['elsewhere-committed'], `${modelId}-other`);
    await record(['control', 'original', 'elsewhere', 'committed']);
    await refused(() => register(modelId, 'v1', ['control', 'original', 'elsewhere', 'committed']), {
      code: 'REGISTRY_UNKNOWN_SAMPLE',
      details: { line: 3 },
    });
    await record(['elsewhere-committed']);
    await refused(() => register(modelId, 'v1', ['elsewhere-committed']), {
      code: 'REGISTRY_UNKNOWN_SAMPLE',
      details: { line: 1 },
    });
    const release = await register(modelId, 'v1', ['control', 'original', 'committed']);
    expect(release.ordinal).toBe(0);
  });

  it('are planned again for new signals, of their own or of a reference', async () => {
    const { modelKnowing, releases, references, record } = await open();
    const { modelId } = await modelKnowing(['a', 'b']);
    const { releaseId } = await register(modelId, 'v1', ['a']);
    const { recordingId } = await record(['b']);
    await releases.addRecording({ releaseId, recordingId, idempotencyKey: `${releaseId}-b` }, PLATFORM);
    expect(await plans(releaseId)).toEqual({ release: 1, signals: 1 });
    const current = await register(modelId, 'v2', ['a']);
    const original = (await references.list(modelId, { first: 1 })).items[0]!.referenceId;
    const more = await record(['new']);
    await references.addRecording(
      { referenceId: original, recordingId: more.recordingId, idempotencyKey: `${releaseId}-new` },
      PLATFORM,
    );
    expect(await plans(current.releaseId)).toEqual({ release: 1, signals: 1 });
    expect(await plans(releaseId)).toEqual({ release: 1, signals: 1 });
  });
});
