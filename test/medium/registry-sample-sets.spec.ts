import { createHash } from 'node:crypto';
import { auditSampleSets } from '@app/registry';
import { afterAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expect-refused.js';
import { openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { tamperedAudit } from '../support/tamper.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database()));
afterAll(() => bench?.close());

const refused = (attempt: () => Promise<unknown>, shape: object) => expectRefused(database(), attempt, shape);

const set = (
  modelId: string,
  role: 'calibration' | 'controls',
  sampleIds: readonly string[],
  key = bench.unique(`${modelId}-${role}`),
) =>
  bench.sets.register({ modelId, role, name: key, sampleIds: [...sampleIds], idempotencyKey: key }, PLATFORM);

const file = (modelId: string, samples: readonly string[], key = bench.unique(`${modelId}-request`)) =>
  bench.requests.file(
    {
      subject: 'subject',
      regime: 'CCPA',
      receivedAt: new Date('2026-01-01T00:00:00Z'),
      samples: samples.map((sampleId) => ({ modelId, sampleId })),
      idempotencyKey: key,
    },
    PLATFORM,
  );

describe('sample sets', () => {
  it('freeze ids and values of a recording', async () => {
    const { sets, model, record, ledger } = await open();
    const { modelId } = await model();
    const { recordingId } = await record(
      new Map([
        ['z', 1],
        ['😀', 2],
        ['\uFFFD', 3],
        ['a', 4],
      ]),
    );
    const frozen = await sets.register(
      {
        modelId,
        role: 'calibration',
        name: 'held out',
        recordingId,
        trustedUnder: 'retrain',
        idempotencyKey: 's1',
      },
      PLATFORM,
    );
    const members = ['a', 'z', '\uFFFD', '😀'];
    expect(frozen).toMatchObject({
      role: 'calibration',
      size: 4,
      recordingId,
      trustedUnder: 'retrain',
      digest: createHash('sha256')
        .update(members.map((id) => `${id}\n`).join(''))
        .digest('hex'),
    });
    expect(await sets.sampleIdsOfSet(frozen.sampleSetId)).toEqual(members);
    expect(await sets.membersOf(frozen.sampleSetId, 1, 2)).toEqual(['z', '\uFFFD']);
    const { eventIndex, ...columns } = frozen;
    expect(JSON.parse((await ledger.event(eventIndex)).content)).toEqual({
      type: 'sample-set-registered',
      ...columns,
      registeredAt: frozen.registeredAt.toISOString(),
    });
  });

  it('have the same digest and order from a list, a file without frozen values, and any order', async () => {
    const { sets, model, record } = await open();
    const { recordingId } = await record(['z', 'a', '😀', '\uFFFD']);
    const digests = new Set<string>();
    for (const source of [
      { recordingId },
      { sampleIds: ['😀', 'a', '\uFFFD', 'z'] },
      { sampleIds: ['z', 'a', '\uFFFD', '😀'] },
    ]) {
      const { modelId } = await model();
      const made = await sets.register(
        { modelId, role: 'controls', name: 'c', ...source, idempotencyKey: modelId },
        PLATFORM,
      );
      expect(made).toMatchObject({ recordingId: null, trustedUnder: null, size: 4 });
      expect(await sets.sampleIdsOfSet(made.sampleSetId)).toEqual(['a', 'z', '\uFFFD', '😀']);
      digests.add(made.digest);
    }
    expect(digests.size).toBe(1);
  });

  it('hold the cluster of each sample in members, digest and event, in whatever order they come', async () => {
    const { sets, model, ledger, record } = await open();
    const clusters = [
      { clusterId: 'doc-2', sampleIds: ['z', 'b'] },
      { clusterId: 'doc-1', sampleIds: ['a'] },
    ];
    const turned = [
      { clusterId: 'doc-1', sampleIds: ['a'] },
      { clusterId: 'doc-2', sampleIds: ['b', 'z'] },
    ];
    const { recordingId } = await record(['z', 'a', 'b']);
    const digest = createHash('sha256').update('a\tdoc-1\nb\tdoc-2\nz\tdoc-2\n').digest('hex');
    for (const [source, kept] of [
      [{ clusters }, null],
      [{ clusters: turned }, null],
      [{ clusters, recordingId }, null],
      [{ clusters: turned, recordingId, trustedUnder: 'retrain' }, recordingId],
    ] as const) {
      const { modelId } = await model();
      const made = await sets.register(
        { modelId, role: 'calibration', name: 'c', ...source, idempotencyKey: modelId } as never,
        PLATFORM,
      );
      expect(made).toMatchObject({ size: 3, clusterCount: 2, digest, recordingId: kept });
      expect(await sets.sampleIdsOfSet(made.sampleSetId)).toEqual(['a', 'b', 'z']);
      expect(JSON.parse((await ledger.event(made.eventIndex)).content)).toMatchObject({
        clusterCount: 2,
        digest,
      });
    }
  });

  it('refuse clusters that do not fit their recording, and say how many samples, not which', async () => {
    const { model, sets, record } = await open();
    const { modelId } = await model();
    const { recordingId } = await record(['a', 'b', 'c']);
    const clusters = [{ clusterId: '1', sampleIds: ['a', 'secret'] }];
    const attempt = () =>
      sets.register(
        { modelId, role: 'controls', name: 'n', recordingId, clusters, idempotencyKey: 'misfit' },
        PLATFORM,
      );
    await refused(attempt, {
      code: 'REGISTRY_CLUSTERS_INVALID',
      message: expect.not.stringContaining('secret') as unknown,
      details: { unclustered: 2, unrecorded: 1 },
    });
  });

  it('are registered once under one key, in whatever order the samples come', async () => {
    const { model } = await open();
    const { modelId } = await model();
    const first = await set(modelId, 'controls', ['a', 'b'], 'once');
    const before = await rowCounts(database());
    const all = await Promise.all(
      Array.from({ length: 8 }, () => set(modelId, 'controls', ['b', 'a'], 'once')),
    );
    for (const one of all) expect(one).toEqual(first);
    expect(await rowCounts(database())).toEqual(before);
    await refused(() => set(modelId, 'controls', ['a', 'c'], 'once'), {
      code: 'LEDGER_IDEMPOTENCY_CONFLICT',
    });
  });

  it('keep calibration and controls apart, whichever comes first', async () => {
    const { model } = await open();
    const one = await model();
    await set(one.modelId, 'calibration', ['a', 'b']);
    await refused(() => set(one.modelId, 'controls', ['b', 'c']), { code: 'REGISTRY_SETS_OVERLAP' });
    const two = await model();
    await set(two.modelId, 'controls', ['a', 'b']);
    await refused(() => set(two.modelId, 'calibration', ['b', 'c']), { code: 'REGISTRY_SETS_OVERLAP' });
    await set(two.modelId, 'controls', ['b', 'x']);
    await set(two.modelId, 'calibration', ['c']);
  });

  it('keep calibration and commitments apart, whichever comes first', async () => {
    const { model } = await open();
    const { modelId } = await model();
    await set(modelId, 'calibration', ['a']);
    await refused(() => file(modelId, ['x', 'a']), { code: 'REGISTRY_CALIBRATION_COMMITTED' });
    await file(modelId, ['x']);
    await refused(() => set(modelId, 'calibration', ['y', 'x']), { code: 'REGISTRY_CALIBRATION_COMMITTED' });
    await set(modelId, 'controls', ['x']);
  });

  it('keep them apart when both come at the same moment, through one ledger or two', async () => {
    const { model } = await open();
    const second = await openRegistry(database());
    try {
      for (let round = 0; round < 10; round += 1) {
        const { modelId } = await model();
        const calibration = () =>
          (round % 2 ? second : bench).sets.register(
            { modelId, role: 'calibration', name: 'k', sampleIds: ['s'], idempotencyKey: `${modelId}-k` },
            PLATFORM,
          );
        const attempts =
          round % 4 < 2
            ? [file(modelId, ['s']), calibration(), file(modelId, ['t'])]
            : [calibration(), file(modelId, ['s']), file(modelId, ['t'])];
        const outcomes = await Promise.allSettled(attempts);
        const codes = outcomes.map((one) =>
          one.status === 'fulfilled' ? 'done' : (one.reason as { code: string }).code,
        );
        expect(codes.sort()).toEqual(['REGISTRY_CALIBRATION_COMMITTED', 'done', 'done']);
      }
    } finally {
      await second.close();
    }
  });

  it('keep sets apart when both come at the same moment', async () => {
    const { model } = await open();
    const { modelId } = await model();
    const outcomes = await Promise.allSettled([
      set(modelId, 'calibration', ['s', 'a']),
      set(modelId, 'controls', ['s', 'b']),
    ]);
    expect(outcomes.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.each([
    [{ sampleIds: [] }, 'sampleIds'],
    [{ sampleIds: ['a\tb'] }, 'sampleIds.0'],
    [{}, 'sampleIds'],
    [{ sampleIds: ['a'], recordingId: '00000000-0000-4000-8000-000000000000' }, 'sampleIds'],
    [{ sampleIds: ['a'], trustedUnder: 'retrain' }, 'trustedUnder'],
    [{ sampleIds: ['a'], role: 'retain' }, 'role'],
    [{ recordingId: 'x' }, 'recordingId'],
    [{ clusters: [] }, 'clusters'],
    [{ clusters: [{ clusterId: '1', sampleIds: [] }] }, 'clusters.0.sampleIds'],
    [{ clusters: [{ clusterId: 'a\tb', sampleIds: ['a'] }] }, 'clusters.0.clusterId'],
    [{ clusters: ['a', 'b'].map((id) => ({ clusterId: 'x', sampleIds: [id] })) }, 'clusters.1.clusterId'],
    [{ sampleIds: ['a'], clusters: [{ clusterId: '1', sampleIds: ['a'] }] }, 'sampleIds'],
  ])('refuse %j', async (change, field) => {
    const { model, sets } = await open();
    const { modelId } = await model();
    await refused(
      () =>
        sets.register(
          { modelId, role: 'calibration', name: 'n', idempotencyKey: 'n', ...change } as never,
          PLATFORM,
        ),
      { code: 'REGISTRY_INPUT_INVALID', details: { field } },
    );
  });

  it('refuse a sample twice, a taken name, signals of another kind and frozen controls', async () => {
    const { model, sets, record } = await open();
    const { modelId } = await model();
    await refused(() => set(modelId, 'controls', ['a', 'b', 'a']), {
      code: 'REGISTRY_DUPLICATE_SAMPLE',
      details: { position: 2 },
    });
    await refused(
      () =>
        sets.register(
          {
            modelId,
            role: 'controls',
            name: 'clusters',
            clusters: ['1', '2'].map((clusterId) => ({ clusterId, sampleIds: ['a'] })),
            idempotencyKey: 'twice',
          },
          PLATFORM,
        ),
      { code: 'REGISTRY_DUPLICATE_SAMPLE', details: { position: 1 } },
    );
    const base = { modelId, role: 'controls', name: 'taken', sampleIds: ['a'] } as const;
    const input = { ...base, sampleIds: ['a'] };
    await sets.register({ ...input, idempotencyKey: 't1' }, PLATFORM);
    await refused(() => sets.register({ ...input, idempotencyKey: 't2' }, PLATFORM), {
      code: 'REGISTRY_NAME_TAKEN',
    });
    const { recordingId } = await record(['a'], 'probability');
    await refused(
      () =>
        sets.register(
          { modelId, role: 'controls', name: 'kind', recordingId, idempotencyKey: 't3' },
          PLATFORM,
        ),
      { code: 'REGISTRY_SIGNAL_KIND_MISMATCH' },
    );
    await refused(
      () =>
        sets.register(
          { modelId, role: 'controls', name: 'f', recordingId, trustedUnder: 'x', idempotencyKey: 't4' },
          PLATFORM,
        ),
      { code: 'REGISTRY_INPUT_INVALID', details: { field: 'trustedUnder' } },
    );
  });
});

describe('auditSampleSets', () => {
  it('finds nothing where nothing was changed, and names the set whose members were', async () => {
    const { model } = await open();
    const { modelId } = await model();
    const { sampleSetId } = await set(modelId, 'controls', ['a', 'b', 'c']);
    const { admin, db } = database();
    expect(await auditSampleSets(db)).toEqual([]);
    await admin.unsafe(`set local lacuna.maintenance = 'on'; alter table sample_set_member disable trigger refuse_change;
      update sample_set_member set sample_id = 'd' where sample_set_id = '${sampleSetId}' and position = 1;
      alter table sample_set_member enable always trigger refuse_change`);
    expect(await auditSampleSets(db)).toEqual([
      expect.objectContaining({
        log: 'sample_set',
        index: sampleSetId,
        field: 'sample_set_member.sample_id',
      }),
    ]);
    await admin.unsafe(`set local lacuna.maintenance = 'on'; alter table sample_set_member disable trigger refuse_change;
      delete from sample_set_member where sample_set_id = '${sampleSetId}' and position = 1;
      alter table sample_set_member enable always trigger refuse_change`);
    expect((await auditSampleSets(db)).map((finding) => finding.field)).toEqual([
      'sample_set.size',
      'sample_set_member.sample_id',
    ]);
  });

  it('finds a sample that was moved to another cluster', async () => {
    const { model } = await open();
    const { modelId } = await model();
    const clusters = ['1', '2'].map((clusterId) => ({ clusterId, sampleIds: [`${clusterId}-a`] }));
    const { sampleSetId } = await bench.sets.register(
      { modelId, role: 'controls', name: 'moved', clusters, idempotencyKey: bench.unique('moved') },
      PLATFORM,
    );
    const statement = `update lacuna.sample_set_member set cluster_id = '2'
      where sample_set_id = '${sampleSetId}' and position = 0`;
    const findings = await tamperedAudit(database(), statement, auditSampleSets);
    expect(findings.filter(({ index }) => index === sampleSetId).map(({ field }) => field)).toEqual([
      'sample_set_member.cluster_id',
    ]);
  });
});
