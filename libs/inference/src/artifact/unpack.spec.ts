import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isArtifactPath } from './artifact-path.js';
import { keepFile, unpackArchive } from './unpack.js';

type Member = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

async function tarOf(...members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const reading = (async () => {
    for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  })();
  for (const { content, ...header } of members) {
    if (content === undefined) archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  await reading;
  return Buffer.concat(chunks);
}

async function* inPieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lacuna-unpack-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const unpack = (bytes: Uint8Array, maxBytes = 1e6) => unpackArchive(inPieces(bytes), folder, { maxBytes });
const file = (name: string, content: string | Buffer = 'x'): Member => ({ name, content });

describe('an archive', () => {
  const weights = Buffer.alloc(5000, 'w');
  const members = [
    { name: './', type: 'directory' as const },
    file('./model.json', '{}'),
    { name: './shards/', type: 'directory' as const },
    file('./shards/group1-shard1of1.bin', weights),
    file('empty', ''),
  ];

  it.each([
    ['tar', (bytes: Buffer) => bytes],
    ['tar.gz', (bytes: Buffer) => gzipSync(bytes)],
  ])('as %s gives its files with their digests', async (_name, form) => {
    const files = await unpack(form(await tarOf(...members)));
    expect(files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['model.json', 2],
      ['shards/group1-shard1of1.bin', 5000],
      ['empty', 0],
    ]);
    for (const { draft, sha256 } of files)
      expect(createHash('sha256').update(readFileSync(draft)).digest('hex')).toBe(sha256);
  });

  it.each<[string, readonly Member[]]>([
    ['a way out', [file('../evil')]],
    ['a way out in the middle', [file('a/../../evil')]],
    ['an absolute path', [file('/etc/evil')]],
    ['a drive', [file('C:evil')]],
    ['a backslash', [file('..\\evil')]],
    ['an empty part', [file('a//b')]],
    ['a control character', [file('a\u0001b')]],
    ['a symbolic link', [{ name: 'a', type: 'symlink', linkname: '/etc/passwd' }]],
    ['a hard link', [{ name: 'a', type: 'link', linkname: 'model.json' }]],
    ['a device', [{ name: 'a', type: 'character-device' }]],
    ['a pipe', [{ name: 'a', type: 'fifo' }]],
    ['a name twice', [file('a'), file('a', 'y')]],
    ['names that differ by case only', [file('Model.json'), file('model.json')]],
    ['a file where a folder is', [file('a/b'), file('a')]],
    ['a folder where a file is', [file('a'), file('a/b')]],
    ['a folder that leads out', [{ name: '../x/', type: 'directory' }]],
    ['too deep a path', [file(`${'a/'.repeat(16)}b`)]],
  ])('with %s is refused', async (_name, evil) => {
    await expect(unpack(await tarOf(file('good'), ...evil))).rejects.toMatchObject({
      code: 'ARTIFACT_ARCHIVE_UNSAFE',
    });
    // Nothing was written but drafts, named by numbers.
    expect(readdirSync(folder).every((name) => /^\d+$/.test(name))).toBe(true);
  });

  it('with too many files is refused', async () => {
    const many = Array.from({ length: 10_001 }, (_, i) => file(`f${i}`, ''));
    await expect(unpack(await tarOf(...many), 1e8)).rejects.toMatchObject({
      code: 'ARTIFACT_ARCHIVE_UNSAFE',
    });
  });

  it('that unpacks to more than allowed is refused before it is written', async () => {
    const bomb = gzipSync(await tarOf(file('bomb', Buffer.alloc(5_000_000))));
    expect(bomb.length).toBeLessThan(10_000);
    await expect(unpack(bomb, 1e6)).rejects.toMatchObject({ code: 'ARTIFACT_TOO_LARGE' });
    expect(
      readdirSync(folder).reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0),
    ).toBeLessThanOrEqual(1e6);
  });

  it('may be as large as allowed, all files together, and no byte larger', async () => {
    const archive = await tarOf(file('a', Buffer.alloc(600)), file('b', Buffer.alloc(400)));
    expect(await unpack(archive, 1000)).toHaveLength(2);
    rmSync(folder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'lacuna-unpack-'));
    await expect(unpack(archive, 999)).rejects.toMatchObject({ code: 'ARTIFACT_TOO_LARGE' });
  });

  it.each<[string, (archive: Buffer) => Buffer]>([
    ['cut off in a file', (archive) => archive.subarray(0, 2000)],
    ['cut off in its gzip stream', (archive) => gzipSync(archive).subarray(0, 100)],
    ['no archive', () => Buffer.from('hello'.repeat(300))],
    ['empty', () => Buffer.alloc(0)],
    ['without a file', () => Buffer.alloc(1024)],
  ])('that is %s is refused', async (_name, damage) => {
    const archive = damage(await tarOf(...members));
    await expect(unpack(archive)).rejects.toMatchObject({ code: 'ARTIFACT_ARCHIVE_BROKEN' });
  });

  it('whose sender breaks off fails with the sender’s error', async () => {
    const archive = await tarOf(...members);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(archive.subarray(0, 1500));
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    }
    await expect(unpackArchive(broken(), folder, { maxBytes: 1e6 })).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });
});

it('a single file is kept up to the limit', async () => {
  const bytes = Buffer.alloc(3000, 7);
  const kept = await keepFile(inPieces(bytes), 'model.onnx', folder, { maxBytes: 3000 });
  expect(kept).toMatchObject({ path: 'model.onnx', sizeBytes: 3000 });
  rmSync(kept.draft);
  await expect(keepFile(inPieces(bytes), 'model.onnx', folder, { maxBytes: 2999 })).rejects.toMatchObject({
    code: 'ARTIFACT_TOO_LARGE',
  });
});

it.each(['', '.', 'a/', '/a', 'a/.', './a', 'a\0', 'x'.repeat(201)])(
  '%j names no file of an artifact',
  (path) => {
    expect(isArtifactPath(path)).toBe(false);
  },
);
