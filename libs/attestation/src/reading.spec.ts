import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readCanonical, readShape } from './reading.js';

const document = { code: 'BUNDLE_MALFORMED', what: 'the list' } as const;
const schema = z.looseObject({ list: z.array(z.strictObject({ n: z.number() })) });
const refused = (where: string): unknown =>
  expect.objectContaining({ code: 'BUNDLE_MALFORMED', details: { where } });

describe('readShape', () => {
  it('names the path inside, or the place it was given', () => {
    const bad = { list: [{ n: 1 }, { n: 'x' }] };
    expect(() => readShape(schema, bad, document)).toThrow(refused('list[1].n'));
    expect(() => readShape(schema, bad, { ...document, where: 'line 3' })).toThrow(refused('line 3'));
  });
});

describe('readCanonical', () => {
  it('reads the one canonical spelling', () => {
    expect(readCanonical(schema, '{"a":"é","list":[]}', document)).toEqual({ a: 'é', list: [] });
  });

  it.each([
    '{"list":[], "a":1}',
    '{"list":[],"a":1}',
    '{"list":[],"list":[]}',
    '{"a":1.0,"list":[]}',
    '{"a":"\\u00e9","list":[]}',
    '{"a":"\\ud800","list":[]}',
    '{"list":[]}\n',
    '\ufeff{"list":[]}',
    `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"list":[]}`,
    '',
  ])('refuses any other, with its own code: %#', (text) => {
    expect(() => readCanonical(schema, text, document)).toThrow(refused('document'));
  });
});
