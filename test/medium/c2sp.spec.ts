/** The logs as a C2SP client sees them over HTTP: paths, status codes, headers, and bytes that hash to the checkpoint. */
import { randomUUID } from 'node:crypto';
import {
  formatEntryBundlePath,
  formatTilePath,
  hashLeaf,
  MemoryTree,
  openCheckpoint,
  parseEntryBundle,
  parseVerifierKey,
} from '@app/tlog';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelOperation, requestOperation } from '../support/operations.js';
import { makeTestLedger, TEST_LEDGER } from '../support/ledger.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const ENTRIES = 600n;

describe('the C2SP edge of a log', () => {
  let database: TestDatabase;
  let daemon: TestDaemon;
  let log: string;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${daemon.url}/logs/${log}/${path}`, { headers });
  const bytes = async (path: string) => new Uint8Array(await (await get(path)).arrayBuffer());
  const openLatest = async () => {
    const key = parseVerifierKey((await (await get('vkey')).text()).trimEnd());
    return openCheckpoint(await (await get('checkpoint')).text(), key, log);
  };

  beforeAll(async () => {
    database = await testDatabase();
    daemon = await testDaemon(database);
    // Appends only: the daemon integrates and signs.
    const { sequencer } = makeTestLedger(database.db);
    const modelId = randomUUID();
    log = `${TEST_LEDGER}/${modelId}/commitments`;
    await sequencer.append(modelOperation(modelId));
    const samples = Array.from({ length: Number(ENTRIES) }, (_, n) => `s${n}`);
    await sequencer.append(requestOperation(modelId, samples));
    await until(async () => (await get('checkpoint')).ok && (await openLatest()).treeSize === ENTRIES);
  });
  afterAll(async () => {
    await daemon.close();
    await database.close();
  });

  it('serves entries and tiles that hash to the signed root', async () => {
    const checkpoint = await openLatest();
    const bundles = await Promise.all(
      [256, 256, 88].map((width, index) => bytes(formatEntryBundlePath({ index: BigInt(index), width }))),
    );
    const entries = bundles.flatMap((bundle) => parseEntryBundle(bundle));
    const hashes = entries.map((entry) => hashLeaf(entry));
    expect(Buffer.from(new MemoryTree(hashes).root(ENTRIES))).toEqual(Buffer.from(checkpoint.rootHash));
    expect(Buffer.from(await bytes('tile/0/002.p/88'))).toEqual(Buffer.concat(hashes.slice(512)));
    expect((await bytes('tile/1/000.p/2')).length).toBe(64);
  });

  it('answers every width of a partial tile that some checkpoint could have named', async () => {
    const full = Buffer.from(await bytes('tile/0/002.p/88'));
    const full1 = Buffer.from(await bytes('tile/0/001'));
    for (const width of [1, 2, 87]) {
      expect(Buffer.from(await bytes(formatTilePath({ level: 0, index: 2n, width })))).toEqual(
        full.subarray(0, width * 32),
      );
    }
    expect(Buffer.from(await bytes('tile/0/001.p/255'))).toEqual(full1.subarray(0, 255 * 32));
    const bundle = await bytes('tile/entries/001.p/3');
    expect(parseEntryBundle(bundle, 3)).toHaveLength(3);
  });

  it('lets tiles be kept for ever and checkpoints for a moment', async () => {
    const tile = await get('tile/0/000');
    expect(tile.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(tile.headers.get('content-type')).toBe('application/octet-stream');
    const entries = await get('tile/entries/000');
    expect(entries.headers.get('cache-control')).toContain('immutable');
    const checkpoint = await get('checkpoint');
    expect(checkpoint.headers.get('cache-control')).toBe('public, max-age=1, must-revalidate');
    expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const etag = checkpoint.headers.get('etag')!;
    const again = await get('checkpoint', { 'if-none-match': `"other", W/${etag}` });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect((await get('checkpoint', { 'if-none-match': '"other"' })).status).toBe(200);
    expect((await fetch(`${daemon.url}/logs/${log}/checkpoint`, { method: 'HEAD' })).status).toBe(200);
  });

  it.each([
    'tile/0/003',
    'tile/0/002',
    'tile/0/002.p/89',
    'tile/1/000.p/3',
    'tile/1/000',
    'tile/2/000.p/1',
    'tile/63/000',
    'tile/entries/002',
    'tile/entries/002.p/89',
    'tile/entries/x123/x456/789',
    'nothing',
  ])('has nothing at %s yet', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    // A 404 of today is a tile of tomorrow.
    expect(answer.headers.get('cache-control') ?? '').not.toContain('immutable');
  });

  it.each([
    'tile/0/2',
    'tile/0/x000/002',
    'tile/0/002.p/0',
    'tile/0/002.p/256',
    'tile/0/002.p/088',
    'tile/64/000',
    'tile/-1/000',
    'tile/8/0/000',
    'tile/entries/2',
    'tile/entries/000.p/',
    'tile/',
    'tile/%ff/000',
  ])('refuses the malformed path %s', async (path) => {
    expect((await get(path)).status).toBe(400);
  });

  it('knows no other logs', async () => {
    for (const path of [
      `${TEST_LEDGER}/${randomUUID()}/commitments/checkpoint`,
      'x/checkpoint',
      'checkpoint',
    ]) {
      expect((await fetch(`${daemon.url}/logs/${path}`)).status, path).toBe(404);
    }
  });

  it('serves the event log under its own key name', async () => {
    const answer = await fetch(`${daemon.url}/logs/${TEST_LEDGER}/events/vkey`);
    expect(parseVerifierKey((await answer.text()).trimEnd()).name).toBe(`${TEST_LEDGER}/events`);
  });
});
