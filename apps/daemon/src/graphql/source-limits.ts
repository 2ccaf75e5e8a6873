/**
 * What a GraphQL source may look like before it is parsed. The parser recurses, so a source of ten thousand opening
 * braces must be refused by something that does not. Proven by query-limits.spec.ts.
 */
import { DaemonError } from '../errors.js';

/** GraphiQL's introspection query has 1.8 kB; data belong into variables, which this does not count. */
export const MAX_SOURCE_CHARACTERS = 64 * 1024;
/** Above the deepest query that may be configured (100) with its lists and arguments; far below the parser's stack. */
const MAX_NESTING = 256;
/** Tokens of the largest sensible source; the rest of the pipeline is at worst quadratic in them. */
export const MAX_TOKENS = 8_000;

const OPENING = new Set(['{', '[', '(']);
const CLOSING = new Set(['}', ']', ')']);

/** @throws DaemonError `GRAPHQL_TOO_LONG`, `GRAPHQL_TOO_DEEP`, `GRAPHQL_INVALID` */
export function checkSource(source: string): void {
  if (source.length > MAX_SOURCE_CHARACTERS) {
    throw new DaemonError('GRAPHQL_TOO_LONG', `a query has at most ${MAX_SOURCE_CHARACTERS} characters`, {
      details: { characters: source.length, limit: MAX_SOURCE_CHARACTERS },
    });
  }
  // mercurius takes a syntax tree in JSON where a source does not parse; nothing here is meant for that.
  if (/^\s*[{[]\s*["{[]/.test(source)) {
    throw new DaemonError('GRAPHQL_INVALID', 'a query is GraphQL, not a syntax tree in JSON');
  }
  const nesting = deepestNesting(source);
  if (nesting > MAX_NESTING) throw tooDeep(nesting, MAX_NESTING);
}

export function tooDeep(depth: number, limit: number): DaemonError {
  return new DaemonError('GRAPHQL_TOO_DEEP', `the query is ${depth} levels deep; ${limit} are allowed`, {
    details: { depth, limit },
  });
}

/** Deepest bracket nesting, strings included: a string full of braces is no query anybody needs. */
function deepestNesting(source: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of source) {
    if (OPENING.has(character)) deepest = Math.max(deepest, (depth += 1));
    else if (CLOSING.has(character)) depth -= 1;
  }
  return deepest;
}
