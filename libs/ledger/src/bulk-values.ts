/** Byte arrays for `unnest`: PostgreSQL takes `bytea[]` from the driver as text, so they travel as hex. */
import { type RawBuilder, sql } from 'kysely';

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A `text[]` of hex for `decode(column, 'hex')`. */
export function hexArray(values: readonly Uint8Array[]): RawBuilder<string[]> {
  return sql`${values.map(hexOf)}::text[]`;
}
