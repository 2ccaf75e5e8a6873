import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvFields } from './csv-fields.js';

describe('csvFields', () => {
  it.each([
    ['a,b', ['a', 'b']],
    ['a,', ['a', '']],
    ['', ['']],
    ['"a,b",c', ['a,b', 'c']],
    ['"say ""so""",1', ['say "so"', '1']],
    ['"",x', ['', 'x']],
    ['a,""', ['a', '']],
  ])('splits %j', (text, fields) => {
    expect(csvFields(text)).toEqual(fields);
  });

  it.each(['"a,b', 'a"b,c', '"a"b,c', '"a""', 'a,"'])('refuses %j', (text) => {
    expect(csvFields(text)).toBeNull();
  });

  it('reads back whatever fields were quoted', () => {
    const quote = (field: string) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field);
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (fields) => {
        expect(csvFields(fields.map(quote).join(','))).toEqual(fields);
      }),
      { seed: 1 },
    );
  });
});
