import { describe, expect, it } from 'vitest';
import { CopyRows } from './copy-rows.js';

describe('CopyRows', () => {
  it('spells rows as PostgreSQL reads them, and places them last', () => {
    const rows = new CopyRows(0);
    rows.beginRow(3);
    rows.addInteger(-2);
    const { from, to } = rows.addText('ü');
    expect(rows.at.toString('utf8', from, to)).toBe('ü');
    rows.addBytes(Uint8Array.of(9, 8, 7), 1, 3);
    rows.place(5, 6n);
    expect(CopyRows.message([rows]).toString('hex')).toBe(
      '5047434f50590aff0d0a000000000000000000' +
        '0005' +
        '0000000400000005' +
        '000000080000000000000006' +
        '00000004fffffffe' +
        '00000002c3bc' +
        '000000020807' +
        'ffff',
    );
  });

  it.each([0n, 2n ** 31n - 2n, 2n ** 32n - 2n, 2n ** 53n])('counts on from index %s', (first) => {
    const rows = new CopyRows(16);
    for (let n = 0; n < 5; n += 1) rows.beginRow(0);
    rows.place(1, first);
    const bytes = CopyRows.message([rows]).subarray(19);
    const found = Array.from({ length: 5 }, (_, n) => bytes.readBigInt64BE(n * 22 + 14));
    expect(found).toEqual([0n, 1n, 2n, 3n, 4n].map((n) => first + n));
  });

  it('spells the same rows as array literals', () => {
    const [first, second] = [new CopyRows(0), new CopyRows(0)];
    for (const [rows, text] of [
      [first, 'NULL'],
      [second, 'a "b", {c}\\\n'],
    ] as const) {
      rows.beginRow(4);
      rows.addInteger(-2);
      rows.addText(text);
      rows.addBytes(Uint8Array.of(1, 255));
      rows.addBytes(new Uint8Array(16).fill(0xab));
    }
    first.place(5, 2n ** 53n);
    second.place(6, 0n);
    expect(CopyRows.arrays([first, second], ['integer', 'text', 'bytea', 'uuid'])).toEqual([
      '{5,6}',
      '{9007199254740992,0}',
      '{-2,-2}',
      '{"NULL","a \\"b\\", {c}\\\\\n"}',
      '{"\\\\x01ff","\\\\x01ff"}',
      `{${'ab'.repeat(16)},${'ab'.repeat(16)}}`,
    ]);
  });
});
