import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.js';
import { checkLeafOpening, parseSaltedLeaf, sealLeaf } from './salted-leaf.js';

const opening = {
  type: 'deletion.commitment',
  content: canonicalJson({ sample: 's-1', subject: 'Ünïcode' }),
  salt: Buffer.alloc(32, 5),
};
const leaf = sealLeaf(opening);
const withCode = (code: string) => expect.objectContaining({ name: 'TlogError', code }) as Error;

describe('the salted leaf', () => {
  it('is canonical JSON of commitment, type and version', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.jsonValue(), (salt, value) => {
        const content = JSON.stringify(value);
        const commitment = createHmac('sha256', salt).update(content, 'utf8').digest('base64');
        expect(Buffer.from(sealLeaf({ type: 'a.b', content, salt })).toString()).toBe(
          canonicalJson({ commitment, type: 'a.b', version: 1 }),
        );
      }),
      { seed: 14 },
    );
  });

  it('holds nothing of the content', () => {
    expect(Buffer.from(leaf).toString()).not.toMatch(/s-1|sample|nïcode/);
    expect(sealLeaf({ ...opening, salt: Buffer.alloc(32, 6) })).not.toEqual(leaf);
    expect(sealLeaf(opening)).toEqual(leaf);
  });

  it('is read back and opened by what it was made of', () => {
    expect(parseSaltedLeaf(leaf)).toMatchObject({ type: 'deletion.commitment', version: 1 });
    expect(parseSaltedLeaf(leaf).commitment).toHaveLength(32);
    checkLeafOpening(leaf, opening);
  });

  it.each([
    ['content', { content: canonicalJson({ sample: 's-2', subject: 'Ünïcode' }) }],
    ['spelling of the content', { content: `${opening.content} ` }],
    ['type', { type: 'deletion.request' }],
    ['salt', { salt: Buffer.alloc(32, 6) }],
  ])('does not open with another %s', (_, change) => {
    expect(() => checkLeafOpening(leaf, { ...opening, ...change })).toThrow(
      withCode('TLOG_LEAF_OPENING_BROKEN'),
    );
  });

  it.each(['', 'Upper', 'with space', 'a"b', '1a', 'a'.repeat(65)])('takes no type %j', (type) => {
    expect(() => sealLeaf({ ...opening, type })).toThrow(withCode('TLOG_LEAF_MALFORMED'));
  });

  it('takes no salt of another length', () => {
    expect(() => sealLeaf({ ...opening, salt: Buffer.alloc(31) })).toThrow(withCode('TLOG_LEAF_MALFORMED'));
  });

  const text = Buffer.from(leaf).toString();
  it.each([
    ['another version', text.replace('"version":1', '"version":2')],
    ['a further member', text.replace('}', ',"z":1}')],
    ['a space', text.replace(',', ', ')],
    ['a newline at the end', `${text}\n`],
    ['a short commitment', text.replace(/"commitment":"..../, '"commitment":"')],
    ['a commitment of 31 bytes', text.replace(/"commitment":"[^"]*"/, `"commitment":"${'A'.repeat(42)}=="`)],
    ['a commitment of 33 bytes', text.replace(/"commitment":"[^"]*"/, `"commitment":"${'A'.repeat(44)}"`)],
    ['no JSON', 'leaf'],
  ])('is refused with %s', (_, forged) => {
    expect(() => parseSaltedLeaf(Buffer.from(forged))).toThrow(withCode('TLOG_LEAF_MALFORMED'));
  });
});
