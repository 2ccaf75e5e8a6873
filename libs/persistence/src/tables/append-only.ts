import type { ColumnType } from 'kysely';

/** A column that can be read and inserted, never updated: the type system's share of append-only. */
export type Fixed<T> = ColumnType<T, T, never>;
/** A fixed column that the database fills in. */
export type Filled<T> = ColumnType<T, T | undefined, never>;
