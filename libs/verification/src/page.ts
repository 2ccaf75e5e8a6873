/** Keyset pages: stable while rows are added, and as cheap on page 1,000 as on page 1. Proven by page.spec.ts. */
import { VerificationError } from './errors.js';

/** More on one page would hold a connection and memory for too long; fewer is the caller's choice. */
const MAX_PAGE = 1000;

export interface PageRequest {
  /** 1..1000 */
  readonly first: number;
  /** A cursor of an earlier page's item; the page starts behind it. */
  readonly after?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasNextPage: boolean;
  cursorOf(item: T): string;
}

/** The number of items a page may have, `first` kept within 1..1000. */
export function pageSize({ first }: PageRequest): number {
  return Math.min(MAX_PAGE, Math.max(1, Math.trunc(first)));
}

/**
 * The page of `rows`, of which one more than `size` was asked for.
 * @param keyOf the sort key of an item, as text
 */
export function pageOf<T>(rows: readonly T[], size: number, keyOf: (item: T) => string): Page<T> {
  return {
    items: rows.slice(0, size),
    hasNextPage: rows.length > size,
    cursorOf: (item) => Buffer.from(keyOf(item), 'utf8').toString('base64url'),
  };
}

/** The sort key in a cursor, which must match `shape`. @throws VERIFICATION_CURSOR_INVALID */
export function readCursor(cursor: string, shape: RegExp): string {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (shape.test(key)) return key;
  throw new VerificationError(
    'VERIFICATION_CURSOR_INVALID',
    'the cursor is not one of this list; start from the first page',
  );
}

/** Cursor shape of lists ordered by a leaf or event index. */
export const INDEX_KEY = /^\d{1,19}$/;
/** Cursor shape of lists ordered by a UUID. */
export const UUID_KEY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
