import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { npyFile, npyHeader } from '../../../../test/support/npz.js';
import { InferenceError } from '../errors.js';
import { NpyFault, readNpy } from './npy.js';
import { parseSample } from './parse-sample.js';

const HEADER = npyHeader('<f4', '2,');
const BODY = new Uint8Array(Float32Array.of(1.5, -2).buffer);
const npy = (header = HEADER, body: Uint8Array = BODY, major = 1, minor = 0) =>
  npyFile(header, body, { major, minor });
const sampleOf = (file: Buffer) => parseSample({ label: 1, npy: { x: file.toString('base64') } });

describe('a .npy file', () => {
  it.each([1, 2, 3])('of version %d.0 gives dtype, shape and bytes', (major) => {
    expect(readNpy(npy(HEADER, BODY, major))).toEqual({
      dtype: 'float32',
      shape: [2],
      bytes: Buffer.from(BODY),
    });
  });

  it.each([
    ['<f8', 'float64', 8],
    ['<i4', 'int32', 4],
    ['<i8', 'int64', 8],
    ['|u1', 'uint8', 1],
    ['|b1', 'bool', 1],
  ])('has the dtype %s as %s', (descr, dtype, bytes) => {
    const array = readNpy(npy(npyHeader(descr, '1, 3'), new Uint8Array(3 * bytes)));
    expect(array).toMatchObject({ dtype, shape: [1, 3] });
    expect(readNpy(npy(npyHeader(descr, ''), new Uint8Array(bytes))).shape).toEqual([]);
  });

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'is no .npy file'],
    ['another magic', Buffer.from('PK\x03\x04 a zip of arrays'), 'is no .npy file'],
    ['an unknown version', npy(HEADER, BODY, 4), 'must be of version'],
    ['a minor version', npy(HEADER, BODY, 1, 1), 'must be of version'],
    ['no header length', npy().subarray(0, 9), 'is cut short'],
    ['half a header', npy().subarray(0, 40), 'is cut short'],
    ['a long header', npy(HEADER + ' '.repeat(5000)), 'has a header of more than'],
    ['objects', npy(npyHeader('|O', '2,')), 'holds Python objects'],
    ['big-endian numbers', npy(npyHeader('>f4', '2,')), 'must have one of the dtypes'],
    ['a name of Object', npy(npyHeader('constructor', '2,')), 'must have one of the dtypes'],
    ['Fortran order', npy(npyHeader('<f4', '2,', 'True')), 'must be in C order'],
    ['a structured dtype', npy(npyHeader(`<f4'), ('a`, '2,')), 'has another header'],
    [
      'keys in another order',
      npy(`{'shape': (2,), 'descr': '<f4', 'fortran_order': False, }`),
      'has another',
    ],
    ['a shape that is no tuple', npy(npyHeader('<f4', '2')), 'has another header'],
    ['a negative dimension', npy(npyHeader('<f4', '-2,')), 'has another header'],
    ['too few bytes', npy(HEADER, BODY.subarray(1)), 'must have as many bytes'],
    ['too many bytes', npy(HEADER, new Uint8Array(9)), 'must have as many bytes'],
    ['a shape beyond all numbers', npy(npyHeader('<f4', '9'.repeat(400) + ',')), 'must have as many bytes'],
  ])('is refused with %s', (_what, file, problem) => {
    expect(() => readNpy(file)).toThrow(NpyFault);
    expect(() => readNpy(file)).toThrow(problem);
    expect(() => sampleOf(file)).toThrow(
      expect.objectContaining({ code: 'SAMPLE_MALFORMED', details: { field: 'npy.x' } }),
    );
  });

  it('is read or refused with a code, whatever bytes are changed in it', () => {
    fc.assert(
      fc.property(fc.nat(npy().length - 1), fc.nat(255), fc.nat(npy().length), (at, byte, end) => {
        const file = npy();
        file[at] = byte;
        try {
          sampleOf(file.subarray(0, end));
        } catch (error) {
          expect(error).toBeInstanceOf(InferenceError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a sample of .npy files', () => {
  it('is the sample that the same numbers make', () => {
    const numbers = { x: { dtype: 'float32', shape: [2], data: [1.5, -2] } };
    expect(sampleOf(npy())).toEqual(parseSample({ label: 1, inputs: numbers }));
  });

  it('is held to the rules of all tensors', () => {
    const nan = npy(HEADER, new Uint8Array(Float32Array.of(1, NaN).buffer));
    for (const file of [nan, npy(npyHeader('<f4', '0,'), new Uint8Array(0))])
      expect(() => sampleOf(file)).toThrow(expect.objectContaining({ code: 'SAMPLE_MALFORMED' }));
    expect(() => parseSample({ npy: { x: npy().toString('base64') } })).toThrow('label is needed');
    expect(() => parseSample({ label: 1, npy: { x: 'no base64' } })).toThrow('npy.x');
  });
});
