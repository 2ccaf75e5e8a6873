import { invariant } from '@app/errors';
import { DaemonError } from '../errors.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `id` in lower case, if it can be an id at all. @throws DaemonError `NOT_FOUND` */
export function requireId(id: string, entity: string): string {
  if (UUID.test(id)) return id.toLowerCase();
  throw new DaemonError('NOT_FOUND', `there is no such ${entity}`, { details: { entity } });
}

/** What a foreign key of the ledger names: it is there, or the database is broken. */
export function present<V>(value: V | undefined, entity: string): V {
  invariant(value !== undefined, `the ${entity} that a row names exists`);
  return value;
}
