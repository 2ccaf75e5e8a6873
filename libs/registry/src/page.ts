/**
 * Pages of any list by keyset: a cursor is the sort key of an item, so a page begins where the last one ended however
 * many rows came in between, and costs the same at any depth. Cursors are base64url of a JSON array, opaque to
 * callers, checked on the way in. Proven by page.spec.ts and test/medium/registry-lists.spec.ts.
 */
import { type SelectQueryBuilder, sql } from 'kysely';
import { RegistryError } from './errors.js';

/** Larger pages hold up others and a client's memory; smaller ones cost round trips. */
export const MAX_PAGE_SIZE = 500;

export interface PageRequest {
  /** Items wanted, 0 to 500. */
  readonly first: number;
  /** Cursor of the last item already seen. */
  readonly after?: string | null | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly hasNextPage: boolean;
  cursorOf(item: Item): string;
}

/** How the text of a key part must look, and what PostgreSQL is to read it as. */
const KEY_TYPES = {
  bigint: /^\d{1,18}$/,
  timestamptz: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
} as const;

type KeyPart = bigint | number | string | Date;

/** A total order of a list: the columns together are unique. Times must be whole milliseconds in the table. */
export interface KeysetOrder<Item> {
  /** Part of the cursor, so that one list's cursor is refused by another. */
  readonly name: string;
  readonly columns: readonly { readonly column: string; readonly type: keyof typeof KEY_TYPES }[];
  readonly direction?: 'asc' | 'desc';
  /** The values of the columns, in their order. */
  keyOf(item: Item): readonly KeyPart[];
}

/**
 * Returns one page of `query`, which must have no order or limit of its own.
 * @throws RegistryError REGISTRY_INPUT_INVALID for a wrong size or cursor
 */
export async function fetchPage<DB, TB extends keyof DB, Row, Item>(
  query: SelectQueryBuilder<DB, TB, Row>,
  order: KeysetOrder<Item>,
  request: PageRequest,
  toItem: (row: Row) => Item,
): Promise<Page<Item>> {
  const { first, after } = request;
  if (!Number.isInteger(first) || first < 0 || first > MAX_PAGE_SIZE)
    throw invalid('first', `must be a whole number from 0 to ${MAX_PAGE_SIZE}`);
  const direction = order.direction ?? 'asc';
  let paged = query.limit(first + 1);
  if (after !== undefined && after !== null) {
    const key = parseCursor(after, order);
    const columns = sql.join(order.columns.map(({ column }) => sql.ref(column)));
    const values = sql.join(order.columns.map(({ type }, index) => sql`${key[index]}::${sql.raw(type)}`));
    paged = paged.where(sql<boolean>`(${columns}) ${sql.raw(direction === 'asc' ? '>' : '<')} (${values})`);
  }
  for (const { column } of order.columns) paged = paged.orderBy(sql.ref(column), direction);
  const rows = await paged.execute();
  return {
    items: rows.slice(0, first).map(toItem),
    hasNextPage: rows.length > first,
    cursorOf: (item) => formatCursor(item, order),
  };
}

export function formatCursor<Item>(item: Item, order: KeysetOrder<Item>): string {
  const parts = order.keyOf(item).map((part) => (part instanceof Date ? part.toISOString() : String(part)));
  return Buffer.from(JSON.stringify([order.name, ...parts]), 'utf8').toString('base64url');
}

/** The key parts in a cursor of this order. @throws RegistryError REGISTRY_INPUT_INVALID */
export function parseCursor<Item>(cursor: string, order: KeysetOrder<Item>): readonly string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalid('after', 'is no cursor');
  }
  const [listName, ...parts] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
  const fits =
    listName === order.name &&
    parts.length === order.columns.length &&
    order.columns.every(({ type }, index) => fitsType(parts[index], type));
  if (!fits) throw invalid('after', 'is not a cursor of this list');
  return parts as string[];
}

function fitsType(part: unknown, type: keyof typeof KEY_TYPES): boolean {
  if (typeof part !== 'string' || !KEY_TYPES[type].test(part)) return false;
  return type !== 'timestamptz' || !Number.isNaN(Date.parse(part));
}

function invalid(field: string, why: string): RegistryError {
  return new RegistryError('REGISTRY_INPUT_INVALID', `${field} ${why}`, { details: { field } });
}
