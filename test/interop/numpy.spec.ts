/**
 * Files that numpy itself wrote, uploaded as samples: each must be what the same arrays are as JSON, which numpy wrote, too.
 * test/interop/README.md says how to install it; without it the file is skipped.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRegistry, type RegistryBench } from '../support/registry.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';
import { environmentOf, python } from './servers/inference-server.js';

const environment = environmentOf('numpy');
const SCRIPT = new URL('numpy_samples.py', import.meta.url).pathname;

describe.skipIf(environment === null)('a file of numpy', () => {
  let database: TestDatabase;
  let bench: RegistryBench;
  let daemon: TestDaemon;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lacuna-numpy-'));
    python(environment!, [SCRIPT, folder]);
    database = await testDatabase();
    bench = await openRegistry(database);
    daemon = await testDaemon(database);
  });
  afterAll(async () => {
    await daemon.close();
    await bench.close();
    await database.close();
    rmSync(folder, { recursive: true });
  });

  const upload = async (modelId: string, file: string, type: string) => {
    const path = `/v1/models/${modelId}/samples`;
    const answer = await daemon.upload('platform', path, readFileSync(join(folder, file)), type);
    return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
  };

  it.each([
    ['savez', 40],
    ['compressed', 40],
    ['piped', 40],
    ['bytes', 40],
    ['numbers', 40],
    ['views', 20],
  ])('holds the samples that the same arrays as JSON are (%s)', async (name, count) => {
    const { modelId } = await bench.model();
    const npz = await upload(modelId, `${name}.npz`, 'application/x-npz');
    expect(npz).toMatchObject({ status: 200, stored: count, known: 0 });
    // Known is what has the same id and the very same payload.
    const json = await upload(modelId, `${name}.ndjson`, 'application/x-ndjson');
    expect(json).toMatchObject({ status: 200, stored: 0, known: count });
  });

  it.each([
    ['fortran.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'x' }],
    ['big-endian.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'x' }],
    ['half.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'x' }],
    ['objects.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'x' }],
    ['structured.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'x' }],
    ['shorter.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'x' }],
    ['dates.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'sample_ids' }],
    ['no-labels.npz', 'SAMPLE_ARRAY_REFUSED', { array: 'labels' }],
    ['nan.npz', 'SAMPLE_MALFORMED', { index: 0, field: 'x' }],
    ['lone.npy', 'SAMPLE_ARRAY_REFUSED', {}],
  ])('that cannot be samples is refused (%s)', async (file, code, details) => {
    const { modelId } = await bench.model();
    const answer = await upload(modelId, file, 'application/x-npz');
    expect(answer).toMatchObject({ status: 422, error: { code, details } });
  });
});
