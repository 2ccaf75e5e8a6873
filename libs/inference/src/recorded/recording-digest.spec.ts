import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RecordingDigest, recordingIdOf } from './recording-digest.js';

describe('RecordingDigest', () => {
  it('is the SHA-256 of the canonical lines', () => {
    const digest = new RecordingDigest();
    digest.add('a', 0.1);
    digest.add('ü', 1e-7);
    digest.add('😀', 1e21);
    const text = 'a\t0.1\nü\t1e-7\n😀\t1e+21\n';
    expect(Buffer.from(digest.finish())).toEqual(createHash('sha256').update(text).digest());
  });

  it('does not depend on how the lines are buffered', () => {
    const digest = new RecordingDigest();
    const lines: string[] = [];
    for (let i = 0; i < 20_000; i += 1) {
      const id = `sample-${String(i).padStart(6, '0')}`;
      digest.add(id, i / 7);
      lines.push(`${id}\t${i / 7}\n`);
    }
    expect(Buffer.from(digest.finish())).toEqual(createHash('sha256').update(lines.join('')).digest());
  });
});

describe('recordingIdOf', () => {
  it('is a version 8 UUID that depends on kind and content, and never changes between versions of Lacuna', () => {
    const digest = createHash('sha256').update('a\t0.5\n').digest();
    expect(recordingIdOf('loss', digest)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(recordingIdOf('loss', digest)).toBe('be0d11b0-c0b1-8a55-a92f-c15e01af203f');
    expect(recordingIdOf('probability', digest)).not.toBe(recordingIdOf('loss', digest));
  });
});
