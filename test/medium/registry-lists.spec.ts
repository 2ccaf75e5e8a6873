import type { Page, PageRequest } from '@app/registry';
import { afterAll, describe, expect, it } from 'vitest';
import { openRegistry, PLATFORM, type RegistryBench } from '../support/registry.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();
let bench: RegistryBench;
const open = async () => (bench ??= await openRegistry(database()));
afterAll(() => bench?.close());

/** All items of a list, page by page; `between` runs after each page. */
async function walk<Item>(
  list: (request: PageRequest) => Promise<Page<Item>>,
  first: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Item[]> {
  const items: Item[] = [];
  for (let after: string | null = null; ;) {
    const page: Page<Item> = await list({ first, after });
    items.push(...page.items);
    expect(page.items.length).toBeLessThanOrEqual(first);
    const last = page.items.at(-1);
    if (!page.hasNextPage || !last) return items;
    after = page.cursorOf(last);
    await between();
  }
}

const file = (modelIds: readonly string[], subject: string, key: string, samples = ['a']) =>
  bench.requests.file(
    {
      subject,
      regime: 'GDPR',
      receivedAt: new Date('2026-01-01'),
      samples: modelIds.flatMap((modelId) => samples.map((sampleId) => ({ modelId, sampleId }))),
      idempotencyKey: key,
    },
    PLATFORM,
  );

describe('lists', () => {
  it('give every item once at any page size, also while others are added', async () => {
    const { models, model } = await open();
    const made = [];
    for (let i = 0; i < 7; i += 1) made.push(await model());
    for (const size of [1, 2, 3, 7, 100]) {
      expect((await walk((page) => models.list(page), size)).slice(0, 7)).toEqual(made);
      made.splice(7);
    }
    const before = (await models.list({ first: 500 })).items.length;
    const seen = await walk((page) => models.list(page), 4, model);
    expect(new Set(seen.map((one) => one.modelId)).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(before);
  });

  it('are of one model or of all', async () => {
    const { modelKnowing, references, releases, sets, record } = await open();
    const ids = [];
    for (let i = 0; i < 2; i += 1) {
      const { modelId } = await modelKnowing(['a', 'b']);
      ids.push(modelId);
      const { recordingId } = await record(['a']);
      await releases.register({ modelId, name: 'v1', recordingId, idempotencyKey: modelId }, PLATFORM);
      await sets.register(
        { modelId, role: 'controls', name: 'c', sampleIds: ['b'], idempotencyKey: modelId },
        PLATFORM,
      );
    }
    for (const service of [references, releases, sets]) {
      for (const modelId of ids) {
        const { items } = await service.list(modelId, { first: 10 });
        expect(items.map((one) => one.modelId)).toEqual([modelId]);
      }
      const all = await walk<{ modelId: string }>((page) => service.list(null, page), 1);
      expect(all.map((one) => one.modelId)).toEqual(ids);
      await expect(service.list('nonsense', { first: 1 })).rejects.toMatchObject({
        code: 'REGISTRY_INPUT_INVALID',
      });
    }
  });

  it('find deletion requests by model and subject, and commitments by request, model and sample', async () => {
    const { requests, model } = await open();
    const [one, two] = [(await model()).modelId, (await model()).modelId];
    const first = await file([one], 'ann', 'l1', ['a', 'b']);
    const second = await file([one, two], 'bob', 'l2', ['a', 'c']);
    const third = await file([two], 'ann', 'l3', ['c']);
    const found = async (filter: Parameters<typeof requests.list>[0]) =>
      new Set((await walk((page) => requests.list(filter, page), 1)).map((each) => each.requestId));
    expect(await found({ modelId: one })).toEqual(new Set([first.requestId, second.requestId]));
    expect(await found({ modelId: two })).toEqual(new Set([second.requestId, third.requestId]));
    expect(await found({ subject: 'ann' })).toEqual(new Set([first.requestId, third.requestId]));
    expect(await found({ subject: 'ann', modelId: two })).toEqual(new Set([third.requestId]));
    expect(await found({ subject: 'nobody' })).toEqual(new Set());
    expect((await found({})).size).toBe(3);
    const leaves = async (filter: Parameters<typeof requests.commitments>[0]) =>
      (await walk((page) => requests.commitments(filter, page), 2)).map(
        (each) => `${each.modelId === one ? 1 : 2}/${each.leafIndex} ${each.sampleId}`,
      );
    expect(await leaves({ requestId: second.requestId })).toEqual(['1/2 a', '1/3 c', '2/0 a', '2/1 c']);
    expect(await leaves({ modelId: two })).toEqual(['2/0 a', '2/1 c', '2/2 c']);
    expect(await leaves({ modelId: one, sampleId: 'a' })).toEqual(['1/0 a', '1/2 a']);
    expect(await leaves({ sampleId: 'c' })).toEqual(['1/3 c', '2/1 c', '2/2 c']);
  });

  it('tell requests apart that were filed in the same millisecond', async () => {
    const frozen = await openRegistry(database(), () => new Date('2026-07-01T00:00:00.000Z'));
    const { modelId } = await bench.model();
    try {
      const made = await Promise.all(
        Array.from({ length: 9 }, (_, i) =>
          frozen.requests.file(
            {
              subject: 'same moment',
              regime: 'GDPR',
              receivedAt: new Date('2026-01-01'),
              samples: [{ modelId, sampleId: `s${i}` }],
              idempotencyKey: `same-${i}`,
            },
            PLATFORM,
          ),
        ),
      );
      const seen = await walk((page) => frozen.requests.list({ subject: 'same moment' }, page), 2);
      expect(seen.map((one) => one.requestId)).toEqual(made.map((one) => one.requestId).sort());
    } finally {
      await frozen.close();
    }
  });

  it.each([-1, 501, 1.5, NaN])('refuse a page of %s', async (first) => {
    const { models } = await open();
    await expect(models.list({ first })).rejects.toMatchObject({
      code: 'REGISTRY_INPUT_INVALID',
      details: { field: 'first' },
    });
  });

  it('may be asked for nothing but whether there is more', async () => {
    const { models, model } = await open();
    await model();
    expect(await models.list({ first: 0 })).toMatchObject({ items: [], hasNextPage: true });
  });

  it("refuse another list's cursor", async () => {
    const { models, releases, model } = await open();
    const made = await model();
    const cursor = (await models.list({ first: 1 })).cursorOf(made);
    await expect(releases.list(null, { first: 1, after: cursor })).rejects.toMatchObject({
      code: 'REGISTRY_INPUT_INVALID',
      details: { field: 'after' },
    });
  });
});
