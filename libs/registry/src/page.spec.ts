import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCursor, type KeysetOrder, parseCursor } from './page.js';

interface Item {
  readonly at: Date;
  readonly id: string;
  readonly index: bigint;
}

const order: KeysetOrder<Item> = {
  name: 'items',
  columns: [
    { column: 'at', type: 'timestamptz' },
    { column: 'id', type: 'uuid' },
    { column: 'index', type: 'bigint' },
  ],
  keyOf: (item) => [item.at, item.id, item.index],
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('cursors', () => {
  it('read back as the key they were made of', () => {
    const items = fc.record({
      at: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
      id: fc.uuid(),
      index: fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }),
    });
    fc.assert(
      fc.property(items, (item) => {
        const cursor = formatCursor(item, order);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(parseCursor(cursor, order)).toEqual([item.at.toISOString(), item.id, String(item.index)]);
      }),
      { seed: 6 },
    );
  });

  const id = '00000000-0000-4000-8000-000000000000';
  const at = '2026-01-01T00:00:00.000Z';
  it.each([
    '',
    '!!!',
    encode(null),
    encode('items'),
    encode({}),
    encode(['items']),
    encode(['others', at, id, '1']),
    encode(['items', at, id]),
    encode(['items', at, id, '1', '2']),
    encode(['items', at, id, 1]),
    encode(['items', at, id, '-1']),
    encode(['items', at, id, '1'.repeat(19)]),
    encode(['items', at, "'; drop table model; --", '1']),
    encode(['items', '2026-13-01T00:00:00.000Z', id, '1']),
    encode(['items', 'yesterday', id, '1']),
  ])('refuse %j', (cursor) => {
    expect(() => parseCursor(cursor, order)).toThrow(
      expect.objectContaining({ code: 'REGISTRY_INPUT_INVALID', details: { field: 'after' } }),
    );
  });
});
