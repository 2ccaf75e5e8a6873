import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkComplexity } from './query-complexity.js';
import { checkDepth } from './query-depth.js';
import { checkSource, MAX_SOURCE_CHARACTERS } from './source-limits.js';

const refused = (code: string) => expect.objectContaining({ code }) as Error;
const nested = (levels: number) => `${'{a'.repeat(levels)}${'}'.repeat(levels)}`;

describe('checkSource', () => {
  it.each([
    ['deep braces', nested(20_000).slice(0, MAX_SOURCE_CHARACTERS), 'GRAPHQL_TOO_DEEP'],
    ['deep lists', `{a(b:${'['.repeat(300)}${']'.repeat(300)})}`, 'GRAPHQL_TOO_DEEP'],
    ['a long one', `{${'a '.repeat(MAX_SOURCE_CHARACTERS)}}`, 'GRAPHQL_TOO_LONG'],
    ['a syntax tree in JSON', ' {"kind":"Document","definitions":[]}', 'GRAPHQL_INVALID'],
    ['a list of them', '[{"kind":"Document"}]', 'GRAPHQL_INVALID'],
  ])('refuses %s', (_what, source, code) => {
    expect(() => checkSource(source)).toThrow(refused(code));
  });

  it('lets ordinary queries pass', () => {
    expect(() => checkSource('query ($id: ID!) { model(id: $id) { name } }')).not.toThrow();
    expect(() => checkSource(nested(100))).not.toThrow();
  });
});

describe('checkDepth', () => {
  const check =
    (source: string, limit = 5) =>
    () =>
      checkDepth(parse(source), limit);

  it.each([
    ['fields', nested(5), nested(6)],
    ['inline fragments', '{a{...{b{c{d{e}}}}}}', '{a{...{b{c{d{e{f}}}}}}}'],
    [
      'named fragments',
      '{a{...F}} fragment F on T {b{c{d{e}}}}',
      '{a{...F}} fragment F on T {b{...G}} fragment G on T {c{d{e{f}}}}',
    ],
    ['a second operation', 'query A {a} query B {a}', `query A {a} query B ${nested(6)}`],
  ])('counts through %s', (_what, allowed, tooDeep) => {
    expect(check(allowed)).not.toThrow();
    expect(check(tooDeep)).toThrow(refused('GRAPHQL_TOO_DEEP'));
  });

  it.each([
    ['itself', '{...F} fragment F on T {a{...F}}'],
    ['each other', '{...F} fragment F on T {...G} fragment G on T {...F}'],
  ])('ends at fragments that hold %s', (_what, source) => {
    expect(check(source)).toThrow(refused('GRAPHQL_TOO_DEEP'));
  });

  it('measures each of many fragments once', () => {
    const count = 60;
    const fragments = Array.from(
      { length: count },
      (_, i) => `fragment F${i} on T {a ${i + 1 < count ? `...F${i + 1} ...F${i + 1}` : ''}}`,
    );
    expect(check(`{...F0} ${fragments.join(' ')}`)).not.toThrow();
  });

  it('leaves room for the introspection of GraphiQL, not for more', () => {
    const chain = (length: number) =>
      `{__schema{types{fields{type{${'ofType{'.repeat(length)}name${'}'.repeat(length)}}}}}}`;
    expect(check(chain(9))).not.toThrow();
    expect(check(chain(60))).toThrow(refused('GRAPHQL_TOO_DEEP'));
  });
});

describe('checkComplexity', () => {
  const schema = buildSchema(`
    type Query { things(first: Int, after: String): Things one: Thing }
    type Things { nodes: [Thing!]! }
    type Thing { name: String things(first: Int): Things }
  `);
  const complexity = (source: string, variables = {}) => {
    try {
      checkComplexity({ schema, document: parse(source), variables, limit: 0 });
    } catch (error) {
      return (error as { details: { complexity: number } }).details.complexity;
    }
    return 0;
  };

  it.each([
    ['{one{name}}', {}, 2],
    ['{a:one{name} b:one{name}}', {}, 4],
    ['{things(first:10){nodes{name}}}', {}, 1 + 10 * 2],
    ['{things{nodes{name}}}', {}, 1 + 20 * 2],
    ['query($n:Int){things(first:$n){nodes{name}}}', { n: 300 }, 1 + 300 * 2],
    ['{things(first:10){nodes{things(first:10){nodes{name}}}}}', {}, 1 + 10 * (1 + 1 + 10 * 2)],
    ['{...F} fragment F on Query {things(first:10){nodes{name}}}', {}, 1 + 10 * 2],
  ])('%s %j', (source, variables, expected) => {
    expect(complexity(source, variables)).toBe(expected);
  });

  it('allows what is within the limit', () => {
    const document = parse('{one{name}}');
    expect(() => checkComplexity({ schema, document, variables: undefined, limit: 2 })).not.toThrow();
    expect(() => checkComplexity({ schema, document, variables: undefined, limit: 1 })).toThrow(
      refused('GRAPHQL_TOO_COMPLEX'),
    );
  });
});
