/**
 * Reading JSON that others wrote: shape first and nothing unknown, and for everything that is signed or hashed
 * the one canonical spelling (RFC 8785), so that equal meaning is equal bytes. Proven by reading.spec.ts.
 */
import { canonicalJson } from '@app/tlog';
import type { z } from 'zod';
import type { AttestationErrorCode } from './errors.js';
import { refusal } from './errors.js';

/** How a document is named when it is refused. */
export interface Document {
  readonly code: AttestationErrorCode;
  /** For the message: `the bundle`. */
  readonly what: string;
  /** Its place in a larger document; without it a refusal names the path inside. */
  readonly where?: string;
}

/** `value` in the shape of `schema`. @throws `document.code` */
export function readShape<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  { code, what, where }: Document,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = pathText(issue?.path ?? []);
  throw refusal(code, where ?? path, `${what} is wrong at ${path}: ${issue?.message ?? ''}`, parsed.error);
}

/** `a.b[3].c` of a path; `document` of the empty one. */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'document';
}

/** The JSON value in `text`, in any layout. @throws `document.code` */
export function readJson(text: string, { code, what, where = 'document' }: Document): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal(code, where, `${what} is not JSON`, cause);
  }
}

/**
 * The value in `text` in the shape of `schema`, if `text` is its canonical spelling.
 * @throws `document.code`
 */
export function readCanonical<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  document: Document,
): z.output<Schema> {
  const value = readJson(text, document);
  if (!isCanonical(value, text))
    throw refusal(
      document.code,
      document.where ?? 'document',
      `${document.what} is not canonical JSON (RFC 8785); use it byte for byte as it was issued`,
    );
  return readShape(schema, value, document);
}

/** False also for what has no canonical spelling: lone surrogates, bottomless nesting. */
function isCanonical(value: unknown, text: string): boolean {
  try {
    return canonicalJson(value) === text;
  } catch {
    return false;
  }
}
