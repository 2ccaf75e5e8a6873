import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareCodePoints, sampleSetDigest } from './sample-set-digest.js';

describe('compareCodePoints', () => {
  it('orders text as its UTF-8 bytes are ordered', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      {
        seed: 5,
        numRuns: 2000,
        examples: [
          ['\uFFFD', '😀'],
          ['a', ''],
          ['😀', '😁'],
        ],
      },
    );
  });
});

describe('sampleSetDigest', () => {
  it('hashes one line for each sample', async () => {
    const singly = ['a', 'ü'].map((sampleId) => ({ sampleId, clusterId: null }));
    expect(await sampleSetDigest(singly)).toEqual({
      digest: createHash('sha256').update('a\nü\n').digest('hex'),
      size: 2,
    });
  });

  it('hashes clusters with their samples', async () => {
    expect(await sampleSetDigest([{ sampleId: 'a', clusterId: 'doc 1' }])).toEqual({
      digest: createHash('sha256').update('a\tdoc 1\n').digest('hex'),
      size: 1,
    });
  });
});
