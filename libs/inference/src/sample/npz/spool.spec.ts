import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openFilesOf, tellsOpenFiles } from '../../../../../test/support/open-files.js';
import { Spool } from './spool.js';

const SECRET = 'the content of a sample '.repeat(50);

let directory: string;
let spool: Spool;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lacuna-spool-'));
  vi.stubEnv('TMPDIR', directory);
  spool = new Spool();
});
afterEach(async () => {
  await spool.close();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

describe('a spool', () => {
  it('gives any range of what was appended, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 100 })),
        fc.nat(2000),
        fc.nat(2000),
        async (pieces, start, length) => {
          const one = new Spool();
          try {
            for (const piece of pieces) await one.append(piece);
            const whole = Buffer.concat(pieces);
            const read = await one.read(start, start + length);
            expect(Buffer.from(read)).toEqual(whole.subarray(start, start + length));
            expect([one.sizeBytes, read.byteOffset]).toEqual([whole.length, 0]);
          } finally {
            await one.close();
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('streams a range that is longer than one piece', async () => {
    const bytes = Buffer.from(Uint32Array.from({ length: 200_000 }, (_, i) => i).buffer);
    await spool.append(bytes);
    const pieces: Uint8Array[] = [];
    for await (const piece of spool.stream(3, bytes.length + 100)) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).equals(bytes.subarray(3))).toBe(true);
  });

  it('has no name on the disk, so that nothing is left of it, whatever becomes of the process', async () => {
    await spool.append(Buffer.from(SECRET));
    expect(readdirSync(join(directory, 'lacuna-uploads'))).toEqual([]);
  });

  it.skipIf(!tellsOpenFiles)('is not to be read without its key, which no disk has', async () => {
    await spool.append(Buffer.from(SECRET));
    expect(openFilesOf(directory).map((bytes) => bytes.length)).toEqual([SECRET.length]);
    expect(openFilesOf(directory)[0]!.toString('latin1')).not.toContain('sample');
    await spool.close();
    expect(openFilesOf(directory)).toEqual([]);
    spool = new Spool();
  });
});
