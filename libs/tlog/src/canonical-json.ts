/**
 * RFC 8785 canonical JSON, for everything that is hashed or signed: one text per value. The `canonicalize` package
 * writes it; what that package would drop or coerce without a word (undefined, functions, dates, NaN inside
 * toJSON) is refused first, because a value that does not survive must not be committed to. Proven by
 * canonical-json.spec.ts.
 */
import canonicalizeModule from 'canonicalize';
import { TlogError } from './errors.js';

/** The package exports the function itself, its types a module with a default. */
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string;

/** Deeper values have no use here and would end in a stack overflow instead of an error code. */
const MAX_DEPTH = 128;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The canonical text of a JSON value. @throws TLOG_JSON_UNREPRESENTABLE */
export function canonicalJson(value: unknown): string {
  requireJson(value, 0);
  // What has no members to sort is what JSON.stringify makes of it (section 3.2.2), in a fraction of the time.
  return typeof value === 'object' ? canonicalize(value) : JSON.stringify(value);
}

function requireJson(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw unrepresentable('nested too deeply, or a cycle');
  switch (typeof value) {
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw unrepresentable('NaN or infinite');
      return;
    case 'string':
      if (LONE_SURROGATE.test(value)) throw unrepresentable('not valid Unicode');
      return;
    case 'object':
      if (value !== null) requireJsonObject(value, depth);
      return;
    default:
      throw unrepresentable(`a ${typeof value}`);
  }
}

function requireJsonObject(value: object, depth: number): void {
  if (Array.isArray(value)) {
    for (const item of value) requireJson(item, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of any realm: no prototype, or one that itself has none.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw unrepresentable('a class instance');
  if ('toJSON' in value && typeof value.toJSON === 'function') throw unrepresentable('an object with toJSON');
  for (const [key, item] of Object.entries(value)) {
    requireJson(key, depth);
    requireJson(item, depth + 1);
  }
}

function unrepresentable(what: string): TlogError {
  return new TlogError('TLOG_JSON_UNREPRESENTABLE', `JSON cannot hold a value that is ${what}`);
}
