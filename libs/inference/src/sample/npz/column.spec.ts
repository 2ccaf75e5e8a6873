import { describe, expect, it } from 'vitest';
import { npyArray, npyTexts } from '../../../../../test/support/npz.js';
import { NpyFault, readNpyHeader } from '../npy.js';
import { type Column, idColumn, labelColumn } from './column.js';

function valuesOf<T>(
  file: Buffer,
  columnOf: (field: string, header: ReturnType<typeof readNpyHeader>) => Column<T>,
) {
  const header = readNpyHeader(file);
  const { width, read } = columnOf('field', header);
  const bytes = file.subarray(header.end);
  return Array.from({ length: bytes.length / width }, (_, i) => read(bytes, i * width));
}
const ids = (file: Buffer) => valuesOf(file, idColumn);
const labels = (file: Buffer) => valuesOf(file, labelColumn);
const bytes = (descr: string, width: number, ...texts: string[]) => {
  const body = Buffer.concat(
    texts.map((text) => Buffer.concat([Buffer.from(text), Buffer.alloc(width)]).subarray(0, width)),
  );
  return npyArray(descr, [texts.length], body);
};

describe('ids', () => {
  it('are texts, padded to the longest', () => {
    expect(ids(npyTexts(['s1', 'a longer one', '東京 😀']))).toEqual(['s1', 'a longer one', '東京 😀']);
    expect(ids(npyTexts(['s1'], 1024))).toEqual(['s1']);
  });

  it('are bytes in UTF-8', () => {
    expect(ids(bytes('|S7', 7, 's1', 'Zürich'))).toEqual(['s1', 'Zürich']);
  });

  it.each([
    ['|i1', Int8Array.of(-1, 7), ['-1', '7']],
    ['|u1', Uint8Array.of(0, 255), ['0', '255']],
    ['<i2', Int16Array.of(-300), ['-300']],
    ['<u2', Uint16Array.of(65_535), ['65535']],
    ['<i4', Int32Array.of(2_147_483_647), ['2147483647']],
    ['<u4', Uint32Array.of(4_294_967_295), ['4294967295']],
    ['<i8', BigInt64Array.of(-(2n ** 63n)), ['-9223372036854775808']],
    ['<u8', BigUint64Array.of(2n ** 64n - 1n), ['18446744073709551615']],
  ])('are whole numbers of dtype %s, in decimals', (descr, body, expected) => {
    expect(ids(npyArray(descr, [body.length], body))).toEqual(expected);
  });

  it.each<[string, Buffer]>([
    ['nothing', npyTexts([''])],
    ['too long', npyTexts(['x'.repeat(257)])],
    ['with an outer space', npyTexts([' a'])],
    ['with a control character', npyTexts(['a\u0000b'])],
    ['half a surrogate pair', npyArray('<U1', [1], Uint32Array.of(0xd83d))],
    ['two halves', npyArray('<U2', [1], Uint32Array.of(0xd83d, 0xde00))],
    ['beyond Unicode', npyArray('<U1', [1], Uint32Array.of(0x110000))],
    ['bytes that are no UTF-8', npyArray('|S2', [1], Uint8Array.of(0xff, 0xfe))],
  ])('are refused where one is %s', (_what, file) => {
    expect(() => ids(file)).toThrow(
      expect.objectContaining({ code: 'SAMPLE_MALFORMED', details: { field: 'field' } }),
    );
  });

  it.each(['<f8', '|b1', '|O', '>U2', '>i8', '<U0', '<U1025', '|S1025', '<M8[ns]', 'constructor'])(
    'are not taken as %s',
    (descr) => {
      expect(() => ids(npyArray(descr, [1], new Uint8Array(8)))).toThrow(NpyFault);
    },
  );
});

describe('labels', () => {
  it('are whole numbers of any width', () => {
    expect(labels(npyArray('|u1', [2], Uint8Array.of(0, 9)))).toEqual([0, 9]);
    expect(labels(npyArray('<i8', [1], BigInt64Array.of(2_147_483_647n)))).toEqual([2_147_483_647]);
  });

  it.each([
    ['|i1', Int8Array.of(-1)],
    ['<i8', BigInt64Array.of(2_147_483_648n)],
    ['<u8', BigUint64Array.of(2n ** 64n - 1n)],
  ])('are refused out of range (%s)', (descr, body) => {
    expect(() => labels(npyArray(descr, [1], body))).toThrow(
      expect.objectContaining({ code: 'SAMPLE_MALFORMED', details: { field: 'field' } }),
    );
  });

  it.each(['<f4', '|b1', '<U1'])('are not taken as %s', (descr) => {
    expect(() => labels(npyArray(descr, [1], new Uint8Array(4)))).toThrow(NpyFault);
  });
});

it.each([[[]], [[2, 1]]])('a column is not taken with shape %j', (shape) => {
  expect(() => labels(npyArray('|u1', shape, new Uint8Array(2)))).toThrow('must have one dimension');
});
