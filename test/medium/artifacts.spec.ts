import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigModule, loadConfig } from '@app/config';
import { auditArtifacts, ArtifactStore, InferenceModule } from '@app/inference';
import { DatabaseModule } from '@app/process';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf } from '../support/registry.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';

@Module({})
class ArtifactTestModule {}

const ONNX = { kind: 'onnx', entry: 'model.onnx', outputForm: 'logits' };
const TFJS = { kind: 'tfjs', entry: 'web/model.json', output: 'y', outputForm: 'probabilities' };

let database: TestDatabase;
const directories: string[] = [];
const closers: (() => Promise<void>)[] = [];
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(async () => {
  for (const close of closers) await close();
  await database.close();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lacuna-artifacts-'));
  directories.push(folder);
  return folder;
}

/** As on a machine of its own, or beside another process on one. */
async function openStore(cache = newFolder(), settings: Record<string, string> = {}) {
  const app = await NestFactory.createApplicationContext(
    {
      module: ArtifactTestModule,
      imports: [
        ConfigModule.forRoot(loadConfig({ LACUNA_ARTIFACT_CACHE: cache, ...settings })),
        DatabaseModule.forRoot(database.address, { name: 'artifacts-test', poolSize: 4 }),
        InferenceModule,
      ],
    },
    { logger: ['error'] },
  );
  closers.push(() => app.close());
  return { store: app.get(ArtifactStore), cache };
}

async function tarOf(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const reading = (async () => {
    for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  })();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  await reading;
  return Buffer.concat(chunks);
}

const upload = (store: ArtifactStore, bytes: Uint8Array, declaration: unknown = ONNX, isArchive = false) =>
  store.storeFiles(bytesOf(bytes), { declaration, isArchive, storedBy: 'platform:test' });

describe('the artifact store', () => {
  it('names a model by its manifest, which anyone can compute', async () => {
    const { store } = await openStore();
    const bytes = randomBytes(2_500_000);
    const artifact = await upload(store, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const manifest =
      `{"declaration":{"entry":"model.onnx","kind":"onnx","output":null,"outputForm":"logits"},` +
      `"files":[{"path":"model.onnx","sha256":"${sha256}","sizeBytes":2500000}]}`;
    expect(artifact).toMatchObject({
      artifactDigest: createHash('sha256').update(manifest).digest('hex'),
      binding: 'files',
      sizeBytes: 2_500_000,
      manifest,
    });
    expect(await upload(store, bytes)).toEqual(artifact);
    expect((await upload(store, bytes, { ...ONNX, outputForm: 'probabilities' })).artifactDigest).not.toBe(
      artifact.artifactDigest,
    );
    expect(await store.get(artifact.artifactDigest)).toEqual(artifact);
  });

  it('takes an archive and gives its files back on any machine, in the same bytes', async () => {
    const { store } = await openStore();
    const files = {
      'web/model.json': Buffer.from('{}'),
      'web/group1.bin': randomBytes(1_048_576 * 2),
      'web/empty.bin': Buffer.alloc(0),
    };
    const { artifactDigest } = await upload(store, await tarOf(files), TFJS, true);
    const other = await openStore();
    const { declaration, directory } = await other.store.materialise(artifactDigest);
    expect(declaration).toEqual(TFJS);
    for (const [path, content] of Object.entries(files))
      expect(readFileSync(join(directory!, path))).toEqual(content);
    expect((await other.store.materialise(artifactDigest)).directory).toBe(directory);
    expect(readdirSync(other.cache)).toEqual([artifactDigest]);
  });

  it('keeps an endpoint as it was declared, without a folder', async () => {
    const { store } = await openStore();
    const declaration = { kind: 'openai-completions', url: 'http://vllm:8000/', model: 'm', form: 'echo' };
    const artifact = await store.storeEndpoint(declaration, 'platform:test');
    expect(artifact).toMatchObject({
      binding: 'endpoint',
      files: [],
      declaration: { ...declaration, url: 'http://vllm:8000' },
    });
    expect(await store.materialise(artifact.artifactDigest)).toEqual({
      declaration: artifact.declaration,
      directory: null,
    });
  });

  it.each<[string, unknown, string]>([
    ['an unknown kind', { ...ONNX, kind: 'pickle' }, 'kind'],
    ['no entry', { kind: 'onnx', outputForm: 'logits' }, 'entry'],
    ['an entry that leads out', { ...ONNX, entry: '../model.onnx' }, 'entry'],
    ['a folder as entry of one file', { ...ONNX, entry: '.' }, 'entry'],
    ['an unknown form', { ...ONNX, outputForm: 'odds' }, 'outputForm'],
    ['an unknown field', { ...ONNX, secret: 'x' }, ''],
  ])('refuses a declaration with %s', async (_name, declaration, field) => {
    const { store } = await openStore();
    await expect(upload(store, Buffer.from('x'), declaration)).rejects.toMatchObject({
      code: 'ARTIFACT_DECLARATION_INVALID',
      details: { field },
    });
  });

  it.each<[string, unknown]>([
    ['credentials', { kind: 'openai-completions', url: 'http://u:p@h', model: 'm', form: 'echo' }],
    ['a query', { kind: 'openai-completions', url: 'http://h/?key=1', model: 'm', form: 'echo' }],
    ['another scheme', { kind: 'openai-completions', url: 'file:///etc', model: 'm', form: 'echo' }],
  ])('refuses an endpoint with %s in its address', async (_name, declaration) => {
    const { store } = await openStore();
    await expect(store.storeEndpoint(declaration, 'platform:test')).rejects.toMatchObject({
      code: 'ARTIFACT_DECLARATION_INVALID',
      details: { field: 'url' },
    });
  });

  it('refuses an entry that is not there and a model that is too large, and keeps nothing of them', async () => {
    const { store } = await openStore(newFolder(), { LACUNA_ARTIFACT_MAX_BYTES: '2000' });
    const before = await counts();
    const archive = await tarOf({ 'other.json': Buffer.from('{}') });
    await expect(upload(store, archive, TFJS, true)).rejects.toMatchObject({
      code: 'ARTIFACT_ENTRY_MISSING',
    });
    await expect(upload(store, randomBytes(2001))).rejects.toMatchObject({ code: 'ARTIFACT_TOO_LARGE' });
    const evil = await tarOf({ 'web/model.json': Buffer.from('{}'), '../x': Buffer.from('x') });
    await expect(upload(store, evil, TFJS, true)).rejects.toMatchObject({ code: 'ARTIFACT_ARCHIVE_UNSAFE' });
    expect(await counts()).toEqual(before);
    await expect(store.get('00'.repeat(32))).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
    await expect(store.get("' or 1=1")).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
  });

  it('many uploads of the same at once are one artifact', async () => {
    const { store } = await openStore();
    const archive = await tarOf({ 'web/model.json': randomBytes(100), 'web/a': randomBytes(3_000_000) });
    const all = await Promise.all(Array.from({ length: 6 }, () => upload(store, archive, TFJS, true)));
    expect(new Set(all.map(({ artifactDigest }) => artifactDigest)).size).toBe(1);
    expect(await auditArtifacts(database.db)).toEqual([]);
  });
});

const counts = () =>
  database.admin`select (select count(*) from lacuna.artifact) as a, (select count(*) from lacuna.artifact_chunk) as c`;

describe('the folder of artifacts', () => {
  const stored = async () => {
    const { store } = await openStore();
    return (await upload(store, randomBytes(300_000))).artifactDigest;
  };

  it('is filled once by processes that ask at the same moment', async () => {
    const digest = await stored();
    const cache = newFolder();
    const stores = await Promise.all([openStore(cache), openStore(cache), openStore(cache)]);
    const sources = await Promise.all(
      stores.flatMap(({ store }) => [store.materialise(digest), store.materialise(digest)]),
    );
    expect(new Set(sources.map(({ directory }) => directory)).size).toBe(1);
    expect(readdirSync(cache)).toEqual([digest]);
  });

  it('is put right where a process died in the middle or somebody changed a file', async () => {
    const digest = await stored();
    const cache = newFolder();
    const abandoned = join(cache, 'aa.draft');
    mkdirSync(abandoned);
    writeFileSync(join(abandoned, 'half'), 'x');
    utimesSync(abandoned, 1, 1);
    const { directory } = await (await openStore(cache)).store.materialise(digest);
    const file = join(directory!, 'model.onnx');
    const content = readFileSync(file);
    expect(readdirSync(cache)).toEqual([digest]);
    for (const damage of [
      () => appendFileSync(file, 'x'),
      () => rmSync(file),
      () => writeFileSync(file, Buffer.alloc(content.length)),
    ]) {
      damage();
      // Another process: one that has checked the folder itself looks at sizes only.
      await (await openStore(cache)).store.materialise(digest);
      expect(readFileSync(file)).toEqual(content);
    }
  });

  it('forgets what was longest unused when it grows beyond its size', async () => {
    const digests = [await stored(), await stored(), await stored()];
    const { store, cache } = await openStore(newFolder(), { LACUNA_ARTIFACT_CACHE_BYTES: '700000' });
    await store.materialise(digests[0]!);
    await store.materialise(digests[1]!);
    utimesSync(join(cache, digests[1]!), 1, 1);
    utimesSync(join(cache, digests[0]!), 2, 2);
    await store.materialise(digests[2]!);
    expect(readdirSync(cache).sort()).toEqual([digests[0]!, digests[2]!].sort());
    expect((await store.materialise(digests[1]!)).directory).toBe(join(cache, digests[1]!));
  });

  it('is not filled from content that was changed, and the audit names it', async () => {
    const digest = await stored();
    const { store } = await openStore();
    const sha256 = (await store.get(digest)).files[0]!.sha256;
    const change = (statement: string) =>
      database.admin.begin(async (tx) => {
        await tx.unsafe(`set local lacuna.maintenance = 'on'; set local session_replication_role = replica;
          alter table lacuna.artifact_chunk disable trigger all; ${statement};
          alter table lacuna.artifact_chunk enable always trigger refuse_change;
          alter table lacuna.artifact_chunk enable always trigger refuse_truncate`);
      });
    const where = `where sha256 = decode('${sha256}', 'hex')`;
    await change(
      `update lacuna.artifact_chunk set bytes = set_byte(bytes, 9, 255 - get_byte(bytes, 9)) ${where}`,
    );
    await expect(store.materialise(digest)).rejects.toMatchObject({ code: 'ARTIFACT_CONTENT_BROKEN' });
    expect(await auditArtifacts(database.db)).toEqual([
      expect.objectContaining({ index: sha256, field: 'artifact_chunk.bytes' }),
    ]);
    await change(
      `update lacuna.artifact_chunk set bytes = set_byte(bytes, 9, 255 - get_byte(bytes, 9)) ${where}`,
    );
    expect((await store.materialise(digest)).directory).not.toBeNull();
  });
});

describe('POST /v1/artifacts', () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await testDaemon(database);
  });
  afterAll(() => daemon.close());

  it('takes a file, an archive or the declaration of an endpoint', async () => {
    const query = '?kind=onnx&entry=model.onnx&outputForm=logits';
    const file = await daemon.upload(
      'platform',
      `/v1/artifacts${query}`,
      randomBytes(10),
      'application/octet-stream',
    );
    expect(file.status).toBe(200);
    expect(await file.json()).toMatchObject({ binding: 'FILES', sizeBytes: 10 });
    const archive = await tarOf({ 'web/model.json': Buffer.from('{}') });
    const tar = await daemon.upload(
      'platform',
      '/v1/artifacts?kind=tfjs&entry=web/model.json&outputForm=logits',
      new Uint8Array(archive),
      'application/x-tar',
    );
    expect(await tar.json()).toMatchObject({ binding: 'FILES', files: [{ path: 'web/model.json' }] });
    const endpoint = await daemon.upload(
      'platform',
      '/v1/artifacts',
      JSON.stringify({
        kind: 'open-inference',
        url: 'https://kserve.example',
        model: 'm',
        outputForm: 'logits',
      }),
      'application/json',
    );
    const { artifactDigest } = (await endpoint.json()) as { artifactDigest: string };
    const answer = await daemon.graphql(
      'auditor',
      `{ artifact(digest: "${artifactDigest}") { kind binding files { path } sizeBytes manifest } }`,
    );
    expect(answer.data).toEqual({
      artifact: {
        kind: 'open-inference',
        binding: 'ENDPOINT',
        files: [],
        sizeBytes: '0',
        manifest: expect.stringContaining('https://kserve.example') as string,
      },
    });
  });

  it('refuses what is no model with its code', async () => {
    const evil = await tarOf({ '../x': Buffer.from('x') });
    const answer = await daemon.upload(
      'platform',
      '/v1/artifacts?kind=tfjs&entry=x&outputForm=logits',
      new Uint8Array(evil),
      'application/x-tar',
    );
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ error: { code: 'ARTIFACT_ARCHIVE_UNSAFE' } });
  });
});
