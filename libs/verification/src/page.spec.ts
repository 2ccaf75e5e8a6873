import { describe, expect, it } from 'vitest';
import { INDEX_KEY, pageOf, pageSize, readCursor, UUID_KEY } from './page.js';

describe('pages', () => {
  it('know whether there is more and give cursors that lead on', () => {
    const page = pageOf([7, 8, 9], 2, String);
    expect(page).toMatchObject({ items: [7, 8], hasNextPage: true });
    expect(readCursor(page.cursorOf(8), INDEX_KEY)).toBe('8');
    expect(pageOf([7, 8], 2, String).hasNextPage).toBe(false);
  });

  it.each([
    [0, 1],
    [5, 5],
    [1e9, 1000],
    [2.7, 2],
  ])('of %s items have %s', (first, size) => {
    expect(pageSize({ first })).toBe(size);
  });

  it.each([
    ['another list', Buffer.from('17').toString('base64url'), UUID_KEY],
    ['nobody', 'drop table', INDEX_KEY],
    ['an empty text', '', INDEX_KEY],
  ])('refuse the cursor of %s', (_case, cursor, shape) => {
    expect(() => readCursor(cursor, shape)).toThrow(
      expect.objectContaining({ code: 'VERIFICATION_CURSOR_INVALID' }),
    );
  });
});
