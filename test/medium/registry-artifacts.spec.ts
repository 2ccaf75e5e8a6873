import { afterAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expect-refused.js';
import { openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database()));
afterAll(() => bench?.close());

const refused = (attempt: () => Promise<unknown>, shape: object) => expectRefused(database(), attempt, shape);

const eventOf = async (index: bigint): Promise<unknown> =>
  JSON.parse((await bench.ledger.event(index)).content);

describe('references', () => {
  it('take the digest of their recording unless the artifact has one, and record both in events', async () => {
    const { references, artifacts, record, model } = await open();
    const { modelId } = await model();
    const { recordingId, digest } = await record(['r1', 'r2']);
    const reference = await references.register(
      { modelId, role: 'original', name: 'before', recordingId, idempotencyKey: 'ref1' },
      PLATFORM,
    );
    expect(reference).toMatchObject({
      modelId,
      role: 'original',
      artifactDigest: digest,
      runtime: 'recorded',
    });
    const { eventIndex, ...columns } = reference;
    expect(await eventOf(eventIndex)).toEqual({
      type: 'reference-registered',
      ...columns,
      registeredAt: reference.registeredAt.toISOString(),
    });
    const [part] = await artifacts.recordingsOfArtifact(reference.referenceId);
    expect(part).toMatchObject({ artifactId: reference.referenceId, part: 0, recordingId });
    expect(await eventOf(part!.eventIndex)).toEqual({
      type: 'recording-attached',
      artifactId: reference.referenceId,
      part: 0,
      recordingId,
    });
    const named = 'ab'.repeat(32);
    const shadow = await references.register(
      { modelId, role: 'shadow', name: 's', recordingId, artifactDigest: named, idempotencyKey: 'ref2' },
      PLATFORM,
    );
    expect(shadow.artifactDigest).toBe(named);
  });

  it('have one original for each model, also when eight come at once', async () => {
    const { references, record, model } = await open();
    const { modelId } = await model();
    const { recordingId } = await record(['r1']);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        references.register(
          { modelId, role: 'original', name: `o${i}`, recordingId, idempotencyKey: `ori-${modelId}-${i}` },
          PLATFORM,
        ),
      ),
    );
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'REGISTRY_ORIGINAL_TAKEN' });
  });

  it('refuse unknown samples in a shadow, by line', async () => {
    const { references, record, modelKnowing } = await open();
    const { modelId } = await modelKnowing(['k1', 'k2']);
    const { recordingId } = await record(['k1', 'stranger', 'k2', 'other']);
    await refused(
      () =>
        references.register(
          { modelId, role: 'shadow', name: 's', recordingId, idempotencyKey: 'unknown' },
          PLATFORM,
        ),
      { code: 'REGISTRY_UNKNOWN_SAMPLE', details: { line: 2 } },
    );
  });

  it('refuse signals of another kind, missing recordings and missing models', async () => {
    const { references, record, model } = await open();
    const { modelId } = await model('loss');
    const { recordingId } = await record(['k1'], 'probability');
    const nowhere = '00000000-0000-4000-8000-000000000000';
    const base = { modelId, role: 'shadow', name: 's', recordingId, idempotencyKey: 'kinds' } as const;
    await refused(() => references.register(base, PLATFORM), { code: 'REGISTRY_SIGNAL_KIND_MISMATCH' });
    await refused(() => references.register({ ...base, recordingId: nowhere }, PLATFORM), {
      code: 'RECORDING_NOT_FOUND',
    });
    await refused(() => references.register({ ...base, modelId: nowhere }, PLATFORM), {
      code: 'REGISTRY_NOT_FOUND',
    });
    await refused(() => references.register({ ...base, artifactDigest: 'AB' }, PLATFORM), {
      code: 'REGISTRY_INPUT_INVALID',
      details: { field: 'artifactDigest' },
    });
  });

  it('tell a repeated name from a changed artifact', async () => {
    const { references, record, modelKnowing } = await open();
    const { modelId } = await modelKnowing(['k1', 'k2']);
    const { recordingId } = await record(['k1']);
    const { recordingId: changed } = await record(['k1', 'k2']);
    const base = { modelId, role: 'shadow', name: 'shadow', recordingId, idempotencyKey: 'n1' } as const;
    await references.register(base, PLATFORM);
    await refused(() => references.register({ ...base, idempotencyKey: 'n2' }, PLATFORM), {
      code: 'REGISTRY_NAME_TAKEN',
    });
    await refused(
      () => references.register({ ...base, recordingId: changed, idempotencyKey: 'n3' }, PLATFORM),
      { code: 'REGISTRY_ARTIFACT_MISMATCH' },
    );
    await refused(() => references.register({ ...base, recordingId: changed }, PLATFORM), {
      code: 'LEDGER_IDEMPOTENCY_CONFLICT',
    });
  });
});

describe('later recordings', () => {
  const registered = async () => {
    const { references, releases, record, modelKnowing, unique } = await open();
    const { modelId } = await modelKnowing(['a', 'b', 'c', 'd']);
    const [{ original }] = [
      { original: (await references.list(modelId, { first: 1 })).items[0]!.referenceId },
    ];
    const { recordingId } = await record(['a']);
    const release = await releases.register(
      { modelId, name: 'r', recordingId, idempotencyKey: unique('later') },
      PLATFORM,
    );
    return { modelId, original, releaseId: release.releaseId };
  };

  it('become the next part of a release', async () => {
    const { releases, artifacts, record } = await open();
    const { releaseId } = await registered();
    const { recordingId } = await record(['b', 'c']);
    const part = await releases.addRecording({ releaseId, recordingId, idempotencyKey: 'p1' }, PLATFORM);
    expect(part).toMatchObject({ artifactId: releaseId, part: 1, recordingId });
    const before = await rowCounts(database());
    expect(await releases.addRecording({ releaseId, recordingId, idempotencyKey: 'p1' }, PLATFORM)).toEqual(
      part,
    );
    expect(await rowCounts(database())).toEqual(before);
    expect((await artifacts.recordingsOfArtifact(releaseId)).map((one) => one.part)).toEqual([0, 1]);
    expect(await artifacts.recordingsOfArtifact('nonsense')).toEqual([]);
  });

  it('may not change a signal that is recorded', async () => {
    const { releases, record } = await open();
    const { releaseId } = await registered();
    const { recordingId } = await record(
      new Map([
        ['b', 1],
        ['a', 9],
      ]),
    );
    await refused(() => releases.addRecording({ releaseId, recordingId, idempotencyKey: 'p2' }, PLATFORM), {
      code: 'REGISTRY_DUPLICATE_SAMPLE',
      details: { line: 2 },
    });
  });

  it('may not name strangers in a release, but introduce them in the original reference', async () => {
    const { releases, references, record } = await open();
    const { releaseId, original } = await registered();
    const { recordingId } = await record(['new-1']);
    await refused(() => releases.addRecording({ releaseId, recordingId, idempotencyKey: 'p3' }, PLATFORM), {
      code: 'REGISTRY_UNKNOWN_SAMPLE',
      details: { line: 1 },
    });
    await references.addRecording({ referenceId: original, recordingId, idempotencyKey: 'p4' }, PLATFORM);
    const part = await releases.addRecording({ releaseId, recordingId, idempotencyKey: 'p3' }, PLATFORM);
    expect(part.part).toBe(1);
  });

  it('get different parts when they come at once, and overlap is refused then too', async () => {
    const { releases, artifacts, record } = await open();
    const { releaseId } = await registered();
    const files = await Promise.all([record(['b']), record(['c']), record(['d']), record(['c', 'd'])]);
    const outcomes = await Promise.allSettled(
      files.map(({ recordingId }, i) =>
        releases.addRecording({ releaseId, recordingId, idempotencyKey: `${releaseId}-${i}` }, PLATFORM),
      ),
    );
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'REGISTRY_DUPLICATE_SAMPLE' });
    const parts = await artifacts.recordingsOfArtifact(releaseId);
    const ids = parts.map((part) => part.recordingId);
    const values = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (id) => {
        const each = await Promise.all(ids.map((part) => bench.recordings.values([part], [id])));
        return each.filter(([value]) => !Number.isNaN(value)).length;
      }),
    );
    expect(values).toEqual([1, 1, 1, 1]);
    expect(parts.map((part) => part.part)).toEqual(parts.map((_, i) => i));
  });

  it('are refused for artifacts that do not exist', async () => {
    const { releases, references, record } = await open();
    const { recordingId } = await record(['a']);
    const id = '00000000-0000-4000-8000-000000000000';
    await refused(
      () => releases.addRecording({ releaseId: id, recordingId, idempotencyKey: 'q' }, PLATFORM),
      { code: 'REGISTRY_NOT_FOUND' },
    );
    await refused(
      () => references.addRecording({ referenceId: id, recordingId, idempotencyKey: 'q' }, PLATFORM),
      { code: 'REGISTRY_NOT_FOUND' },
    );
  });
});
