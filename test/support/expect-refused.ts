import { expect } from 'vitest';
import { rowCounts } from './registry.js';
import type { TestDatabase } from './test-database.js';

/** The refusal has this shape and no table has another row for it. */
export async function expectRefused(
  database: TestDatabase,
  attempt: () => Promise<unknown>,
  shape: object,
): Promise<void> {
  const before = await rowCounts(database);
  await expect(attempt()).rejects.toMatchObject(shape);
  expect(await rowCounts(database)).toEqual(before);
}
