import { afterAll, describe, expect, it } from 'vitest';
import { TEST_LEDGER } from '../support/ledger.js';
import { openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database()));
afterAll(() => bench?.close());

describe('models', () => {
  it('are registered with their commitment log and an event of every column', async () => {
    const { models, ledger } = await open();
    const model = await models.register(
      { name: 'llama news', signalKind: 'loss', idempotencyKey: 'm1' },
      PLATFORM,
    );
    expect(model).toMatchObject({ name: 'llama news', signalKind: 'loss' });
    const { eventIndex, ...columns } = model;
    const event = await ledger.event(eventIndex);
    expect(JSON.parse(event.content)).toEqual({
      type: 'model-registered',
      ...columns,
      registeredAt: model.registeredAt.toISOString(),
    });
    expect(event.subjectId).toBe(model.modelId);
    expect((await ledger.commitmentLog(model.modelId)).origin).toBe(
      `${TEST_LEDGER}/${model.modelId}/commitments`,
    );
    expect(await models.get(model.modelId)).toEqual(model);
    expect(await models.findByName('llama news')).toEqual(model);
    expect(await models.getMany([model.modelId, 'nonsense'])).toEqual([model]);
  });

  it('answer the same key with the same model, twice and eight times at once', async () => {
    const { models } = await open();
    const input = { name: 'once', signalKind: 'probability', idempotencyKey: 'm2' } as const;
    const first = await models.register(input, PLATFORM);
    const before = await rowCounts(database());
    expect(await models.register(input, 'somebody else')).toEqual(first);
    expect(await rowCounts(database())).toEqual(before);

    const fresh = { ...input, name: 'at once', idempotencyKey: 'm3' };
    const all = await Promise.all(Array.from({ length: 8 }, () => models.register(fresh, PLATFORM)));
    expect(new Set(all.map((model) => model.modelId)).size).toBe(1);
    const after = await rowCounts(database());
    expect(after['model']).toBe(before['model']! + 1);
    expect(after['event']).toBe(before['event']! + 1);
    expect(after['log']).toBe(before['log']! + 1);
  });

  it('refuse a key that stands for something else, and leave nothing', async () => {
    const { models } = await open();
    await models.register({ name: 'mine', signalKind: 'loss', idempotencyKey: 'm4' }, PLATFORM);
    const before = await rowCounts(database());
    await expect(
      models.register({ name: 'mine', signalKind: 'probability', idempotencyKey: 'm4' }, PLATFORM),
    ).rejects.toMatchObject({ code: 'LEDGER_IDEMPOTENCY_CONFLICT' });
    expect(await rowCounts(database())).toEqual(before);
  });

  it('refuse a name that is taken, also when eight want it at once', async () => {
    const { models } = await open();
    const attempts = Array.from({ length: 8 }, (_, i) =>
      models.register({ name: 'wanted', signalKind: 'loss', idempotencyKey: `wanted-${i}` }, PLATFORM),
    );
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'REGISTRY_NAME_TAKEN' });
    const before = await rowCounts(database());
    await expect(
      models.register({ name: 'wanted', signalKind: 'loss', idempotencyKey: 'later' }, PLATFORM),
    ).rejects.toMatchObject({ code: 'REGISTRY_NAME_TAKEN' });
    expect(await rowCounts(database())).toEqual(before);
  });

  it('let a refused key be used again', async () => {
    const { models } = await open();
    await models.register({ name: 'held', signalKind: 'loss', idempotencyKey: 'm5' }, PLATFORM);
    await expect(
      models.register({ name: 'held', signalKind: 'loss', idempotencyKey: 'm6' }, PLATFORM),
    ).rejects.toMatchObject({ code: 'REGISTRY_NAME_TAKEN' });
    const model = await models.register({ name: 'free', signalKind: 'loss', idempotencyKey: 'm6' }, PLATFORM);
    expect(model.name).toBe('free');
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ name: ' x' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'a\u0000b' }, 'name'],
    [{ name: 'a\ud800' }, 'name'],
    [{ signalKind: 'logit' }, 'signalKind'],
    [{ idempotencyKey: '' }, 'idempotencyKey'],
    [{ idempotencyKey: 'x'.repeat(201) }, 'idempotencyKey'],
    [{ more: 1 }, ''],
  ])('refuse %j and name the field', async (change, field) => {
    const { models } = await open();
    const before = await rowCounts(database());
    const input = { name: 'fine', signalKind: 'loss', idempotencyKey: 'fine', ...change };
    await expect(models.register(input as never, PLATFORM)).rejects.toMatchObject({
      code: 'REGISTRY_INPUT_INVALID',
      details: { field },
    });
    expect(await rowCounts(database())).toEqual(before);
  });

  it.each(['nonsense', '', '00000000-0000-4000-8000-000000000000', "'; drop table model; --"])(
    'are not found under %j',
    async (id) => {
      const { models, references, sets, releases, requests } = await open();
      for (const service of [models, references, sets, releases, requests]) {
        await expect(service.get(id)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
        expect(await service.getMany([id])).toEqual([]);
      }
    },
  );
});
