/** Looks for pieces of data in every table of a database, in whatever form a column may hold them. */
import { createHash } from 'node:crypto';
import type { TestDatabase } from './test-database.js';

/** A text as it could lie in a text, jsonb or bytea column, and its digest. */
export function traces(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  return [text, ...bytesTraces(bytes), ...bytesTraces(createHash('sha256').update(bytes).digest())];
}

export function bytesTraces(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  return [buffer.toString('hex'), buffer.toString('base64').replace(/=+$/, ''), buffer.toString('base64url')];
}

/** Names of the tables with a row that holds any of `needles`, sorted; one reading of every table. */
export async function tablesHolding(
  { admin }: TestDatabase,
  needles: readonly string[],
): Promise<readonly string[]> {
  const tables = await admin.unsafe<{ name: string }[]>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const patterns = needles.map((needle) => `%${needle.replace(/[\\%_]/g, '\\$&')}%`);
  const holding: string[] = [];
  for (const { name } of tables) {
    const rows = await admin.unsafe(`select from ${name} as held where held::text like any($1) limit 1`, [
      patterns,
    ]);
    if (rows.length > 0) holding.push(name);
  }
  return holding.sort();
}

/** As {@link tablesHolding}, in the bytes of the tables' files, dead rows and free space included. */
export async function filesHolding(
  { admin }: TestDatabase,
  tables: readonly string[],
  needle: string,
): Promise<readonly string[]> {
  await admin.unsafe('checkpoint');
  const holding: string[] = [];
  for (const name of tables) {
    const [file] = await admin.unsafe<{ bytes: Uint8Array }[]>(
      `select pg_read_binary_file(pg_relation_filepath('${name}')) as bytes`,
    );
    if (Buffer.from(file!.bytes).includes(needle)) holding.push(name);
  }
  return holding;
}
