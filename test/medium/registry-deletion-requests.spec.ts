import { checkLeafOpening } from '@app/tlog';
import { afterAll, describe, expect, it } from 'vitest';
import { expectRefused } from '../support/expect-refused.js';
import { openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
const NOW = new Date('2026-06-01T12:00:00.000Z');
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database(), () => NOW));
afterAll(() => bench?.close());

const refused = (attempt: () => Promise<unknown>, shape: object) => expectRefused(database(), attempt, shape);

const inputFor = (modelIds: readonly string[], samples: readonly string[], idempotencyKey: string) => ({
  subject: 'subject-7',
  regime: 'GDPR',
  receivedAt: new Date('2026-01-31T08:00:00.000Z'),
  samples: modelIds.flatMap((modelId) => samples.map((sampleId) => ({ modelId, sampleId }))),
  idempotencyKey,
});

describe('deletion requests', () => {
  it('make one commitment for each sample and model, sealed with all of the request', async () => {
    const { requests, model, ledger } = await open();
    const [one, two] = [await model(), await model()];
    const request = await requests.file(
      inputFor([one.modelId, two.modelId], ['s1', 's2', 's3'], 'd1'),
      PLATFORM,
    );
    expect(request).toMatchObject({
      subject: 'subject-7',
      regime: 'GDPR',
      receivedAt: new Date('2026-01-31T08:00:00.000Z'),
      dueAt: new Date('2026-02-28T08:00:00.000Z'),
      filedBy: PLATFORM,
      filedAt: NOW,
      sampleCount: 6,
    });
    const { requestId } = request;
    const page = await requests.commitments({ requestId }, { first: 100 });
    expect(
      page.items.map(({ modelId, leafIndex, sampleId, position }) => [
        modelId,
        leafIndex,
        sampleId,
        position,
      ]),
    ).toEqual(
      [one, two].flatMap(({ modelId }) => [
        [modelId, 0n, 's1', 1],
        [modelId, 1n, 's2', 2],
        [modelId, 2n, 's3', 3],
      ]),
    );
    const { logId } = await ledger.commitmentLog(two.modelId);
    const [, entry] = await ledger.entries(logId, 0n, 10);
    const opening = await database()
      .db.selectFrom('commitment_opening')
      .selectAll()
      .where('log_id', '=', logId)
      .where('leaf_index', '=', 1n)
      .executeTakeFirstOrThrow();
    checkLeafOpening(entry!.leaf, { type: 'commitment', content: opening.content, salt: opening.salt });
    expect(JSON.parse(opening.content)).toEqual({
      model: two.modelId,
      request: requestId,
      sample: 's2',
      position: 2,
      of: 3,
      subject: 'subject-7',
      regime: 'GDPR',
      receivedAt: '2026-01-31T08:00:00.000Z',
      dueAt: '2026-02-28T08:00:00.000Z',
      filedBy: PLATFORM,
      filedAt: NOW.toISOString(),
      sampleCount: 6,
    });
  });

  it('may promise what is promised already, and what nobody has signals of', async () => {
    const { requests, model } = await open();
    const { modelId } = await model();
    await requests.file(inputFor([modelId], ['again'], 'p1'), PLATFORM);
    await requests.file(inputFor([modelId], ['again'], 'p2'), PLATFORM);
    const { items } = await requests.commitments({ modelId, sampleId: 'again' }, { first: 10 });
    expect(items.map((one) => one.leafIndex)).toEqual([0n, 1n]);
  });

  it('are filed once under one key, twice and eight times at once', async () => {
    const { requests, model } = await open();
    const { modelId } = await model();
    const before = await rowCounts(database());
    const input = inputFor([modelId], ['a', 'b'], 'once');
    const all = await Promise.all(Array.from({ length: 8 }, () => requests.file(input, PLATFORM)));
    all.push(await requests.file(input, 'another replica'));
    for (const one of all) expect(one).toEqual(all[0]);
    const after = await rowCounts(database());
    expect(after['deletion_request']).toBe(before['deletion_request']! + 1);
    expect(after['commitment']).toBe(before['commitment']! + 2);
    expect(after['entry']).toBe(before['entry']! + 2);
    for (const change of [
      { samples: [{ modelId, sampleId: 'a' }] },
      {
        samples: [
          { modelId, sampleId: 'b' },
          { modelId, sampleId: 'a' },
        ],
      },
      { subject: 'other' },
      { regime: 'CCPA' },
      { dueAt: new Date('2026-05-01') },
      { receivedAt: new Date('2026-01-30') },
    ]) {
      await refused(() => requests.file({ ...input, ...change }, PLATFORM), {
        code: 'LEDGER_IDEMPOTENCY_CONFLICT',
      });
    }
  });

  it('are filed once when two daemons get the same key at the same moment', async () => {
    const { requests, model } = await open();
    const second = await openRegistry(database(), () => NOW);
    try {
      for (let round = 0; round < 5; round += 1) {
        const { modelId } = await model();
        const input = inputFor([modelId], ['a'], `two-${round}`);
        const both = await Promise.all([
          requests.file(input, PLATFORM),
          second.requests.file(input, PLATFORM),
        ]);
        expect(both[0]).toEqual(both[1]);
      }
    } finally {
      await second.close();
    }
  });

  it('get dense indexes when many are filed at once', async () => {
    const { requests, model } = await open();
    const { modelId } = await model();
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        requests.file(inputFor([modelId], [`x${i}`, `y${i}`], `dense-${i}`), PLATFORM),
      ),
    );
    const { items, hasNextPage } = await requests.commitments({ modelId }, { first: 500 });
    expect(hasNextPage).toBe(false);
    expect(items.map((one) => one.leafIndex)).toEqual(Array.from({ length: 80 }, (_, i) => BigInt(i)));
  });

  it('are told one by one when many are filed at once and one of them must not be', async () => {
    const { requests, model, sets } = await open();
    const { modelId } = await model();
    await sets.register(
      { modelId, role: 'calibration', name: 'c', sampleIds: ['k'], idempotencyKey: 'k-many' },
      PLATFORM,
    );
    const samples = ['a', 'b', 'k', 'c'];
    const filed = await Promise.allSettled(
      samples.map((sample) => requests.file(inputFor([modelId], [sample], `many-${sample}`), PLATFORM)),
    );
    expect(filed.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(filed[2]).toMatchObject({ reason: { code: 'REGISTRY_CALIBRATION_COMMITTED' } });
    for (const one of filed) {
      if (one.status === 'fulfilled') expect(await requests.get(one.value.requestId)).toEqual(one.value);
    }
    const { items } = await requests.commitments({ modelId }, { first: 10 });
    // Of requests that are filed at once, none is promised to be first.
    expect(items.map(({ sampleId }) => sampleId).toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('take their date from whoever files, or from the law', async () => {
    const { requests, model } = await open();
    const { modelId } = await model();
    const dueAt = new Date('2026-03-01T00:00:00.000Z');
    const named = await requests.file({ ...inputFor([modelId], ['a'], 't1'), dueAt }, PLATFORM);
    expect(named.dueAt).toEqual(dueAt);
    const ccpa = await requests.file({ ...inputFor([modelId], ['a'], 't2'), regime: 'CCPA' }, PLATFORM);
    expect(ccpa.dueAt).toEqual(new Date('2026-03-17T08:00:00.000Z'));
  });

  it.each([
    [{ subject: '' }, 'subject'],
    [{ subject: 'x'.repeat(257) }, 'subject'],
    [{ subject: 'a\u0007' }, 'subject'],
    [{ regime: 'x'.repeat(65) }, 'regime'],
    [{ receivedAt: new Date(NaN) }, 'receivedAt'],
    [{ receivedAt: new Date('2026-06-02T12:00:00.001Z') }, 'receivedAt'],
    [{ dueAt: new Date('2026-01-30') }, 'dueAt'],
    [{ samples: [] }, 'samples'],
    [{ samples: [{ modelId: 'x', sampleId: 'a' }] }, 'samples.0.modelId'],
    [{ samples: [{ modelId: '00000000-0000-4000-8000-000000000000', sampleId: '' }] }, 'samples.0.sampleId'],
  ])('refuse %j', async (change, field) => {
    const { requests, model } = await open();
    const { modelId } = await model();
    await refused(() => requests.file({ ...inputFor([modelId], ['a'], 'bad'), ...change }, PLATFORM), {
      code: 'REGISTRY_INPUT_INVALID',
      details: { field },
    });
  });

  it('accept a clock that is a day ahead', async () => {
    const { requests, model } = await open();
    const { modelId } = await model();
    const receivedAt = new Date('2026-06-02T12:00:00.000Z');
    const request = await requests.file({ ...inputFor([modelId], ['a'], 'ahead'), receivedAt }, PLATFORM);
    expect(request.receivedAt).toEqual(receivedAt);
  });

  it('refuse a pair twice, an unknown model, and a whole request for one bad sample', async () => {
    const { requests, model, sets } = await open();
    const { modelId } = await model();
    await refused(() => requests.file(inputFor([modelId], ['a', 'b', 'a'], 'bad'), PLATFORM), {
      code: 'REGISTRY_DUPLICATE_SAMPLE',
      details: { position: 2 },
    });
    const nowhere = '00000000-0000-4000-8000-000000000000';
    await refused(() => requests.file(inputFor([modelId, nowhere], ['a'], 'bad'), PLATFORM), {
      code: 'REGISTRY_NOT_FOUND',
    });
    const other = await model();
    await sets.register(
      { modelId: other.modelId, role: 'calibration', name: 'c', sampleIds: ['k'], idempotencyKey: 'k' },
      PLATFORM,
    );
    await refused(() => requests.file(inputFor([modelId, other.modelId], ['a', 'k'], 'bad'), PLATFORM), {
      code: 'REGISTRY_CALIBRATION_COMMITTED',
    });
    const fine = await requests.file(inputFor([modelId], ['a', 'k'], 'bad'), PLATFORM);
    expect(fine.sampleCount).toBe(2);
  });
});
