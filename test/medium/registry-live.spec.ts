import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesOf, openRegistry, PLATFORM, type RegistryBench, rowCounts } from '../support/registry.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let bench: RegistryBench;
beforeAll(async () => {
  database = await testDatabase();
  bench = await openRegistry(database);
});
afterAll(async () => {
  await bench.close();
  await database.close();
});

const stored = async (file: Uint8Array = randomBytes(50), store = bench.store) => {
  const declaration = { kind: 'onnx', entry: 'model.onnx', outputForm: 'logits' };
  const upload = { declaration, isArchive: false, storedBy: PLATFORM };
  return (await store.storeFiles(bytesOf(file), upload)).artifactDigest;
};
const languageModel = async () =>
  (
    await bench.store.storeEndpoint(
      { kind: 'openai-completions', url: 'https://llm.example', model: 'm', form: 'echo' },
      PLATFORM,
    )
  ).artifactDigest;

const contentOf = async (eventIndex: bigint) =>
  JSON.parse((await bench.ledger.event(eventIndex)).content) as Record<string, unknown>;

it('a release names a stored artifact: its kind is its runtime, and the event says what the digest binds', async () => {
  const { modelId } = await bench.model();
  const artifactDigest = await stored();
  const input = { modelId, name: 'r1', artifactDigest, idempotencyKey: bench.unique('k') };
  const release = await bench.releases.register(input, PLATFORM);
  expect(release).toMatchObject({ artifactDigest, runtime: 'onnx' });
  expect(await contentOf(release.eventIndex)).toMatchObject({
    artifactDigest,
    runtime: 'onnx',
    binding: 'files',
  });
  expect(await bench.artifacts.recordingsOfArtifact(release.releaseId)).toEqual([]);
  expect(await bench.releases.register(input, PLATFORM)).toEqual(release);
});

it('the same name with another artifact is refused, also a recorded one', async () => {
  const { modelId } = await bench.model();
  const register = async (artifactDigest: string) =>
    bench.releases.register(
      { modelId, name: 'same', artifactDigest, idempotencyKey: bench.unique('k') },
      PLATFORM,
    );
  const first = await stored();
  await register(first);
  await expect(register(await stored())).rejects.toMatchObject({ code: 'REGISTRY_ARTIFACT_MISMATCH' });
  await expect(register(first)).rejects.toMatchObject({ code: 'REGISTRY_NAME_TAKEN' });
});

it('a recording of an artifact that is stored here is refused, and nothing of it is kept', async () => {
  const { modelId } = await bench.model();
  const { recordingId } = await bench.record(['r1']);
  await bench.references.register(
    { modelId, role: 'original', name: 'o', recordingId, idempotencyKey: bench.unique('k') },
    PLATFORM,
  );
  const artifactDigest = await stored();
  const before = await rowCounts(database);
  const both = { modelId, name: 'both', artifactDigest, recordingId, idempotencyKey: bench.unique('k') };
  await expect(bench.releases.register(both, PLATFORM)).rejects.toMatchObject({
    code: 'REGISTRY_SOURCE_AMBIGUOUS',
  });
  await expect(bench.references.register({ ...both, role: 'shadow' }, PLATFORM)).rejects.toMatchObject({
    code: 'REGISTRY_SOURCE_AMBIGUOUS',
  });
  expect(await rowCounts(database)).toEqual(before);
  // Of something that is kept elsewhere it says what the signals are of.
  const elsewhere = await bench.releases.register({ ...both, artifactDigest: 'ab'.repeat(32) }, PLATFORM);
  expect(elsewhere).toMatchObject({ artifactDigest: 'ab'.repeat(32), runtime: 'recorded' });
});

it('references are live too, original and shadow', async () => {
  const { modelId } = await bench.model('probability');
  for (const role of ['original', 'shadow'] as const) {
    const artifactDigest = await stored();
    const reference = await bench.references.register(
      { modelId, role, name: role, artifactDigest, idempotencyKey: bench.unique('k') },
      PLATFORM,
    );
    expect(reference).toMatchObject({ artifactDigest, runtime: 'onnx', role });
    expect(await contentOf(reference.eventIndex)).toMatchObject({ binding: 'files' });
  }
});

it('an endpoint is bound as one, and a language model gives no probabilities', async () => {
  const artifactDigest = await languageModel();
  const [losses, probabilities] = [await bench.model('loss'), await bench.model('probability')];
  const input = { name: 'llm', artifactDigest, idempotencyKey: bench.unique('k') };
  const release = await bench.releases.register({ ...input, modelId: losses.modelId }, PLATFORM);
  expect(await contentOf(release.eventIndex)).toMatchObject({
    runtime: 'openai-completions',
    binding: 'endpoint',
  });
  await expect(
    bench.releases.register({ ...input, modelId: probabilities.modelId, idempotencyKey: 'other' }, PLATFORM),
  ).rejects.toMatchObject({
    code: 'REGISTRY_SIGNAL_KIND_MISMATCH',
    details: { expected: 'probability', found: 'loss' },
  });
});

it('refuses an artifact that is not stored, and neither artifact nor recording, and keeps nothing', async () => {
  const { modelId } = await bench.model();
  const before = await rowCounts(database);
  const input = { modelId, name: 'none', idempotencyKey: bench.unique('k') };
  await expect(
    bench.releases.register({ ...input, artifactDigest: 'ab'.repeat(32) }, PLATFORM),
  ).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
  await expect(bench.releases.register(input, PLATFORM)).rejects.toMatchObject({
    code: 'REGISTRY_INPUT_INVALID',
    details: { field: 'recordingId' },
  });
  await expect(bench.references.register({ ...input, role: 'shadow' }, PLATFORM)).rejects.toMatchObject({
    code: 'REGISTRY_INPUT_INVALID',
    details: { field: 'recordingId' },
  });
  expect(await rowCounts(database)).toEqual(before);
});

it('takes no recorded signals for what is measured here', async () => {
  const { modelId } = await bench.model();
  const { recordingId } = await bench.record(['a']);
  const key = () => ({ idempotencyKey: bench.unique('k') });
  const { releaseId } = await bench.releases.register(
    { modelId, name: 'r', artifactDigest: await stored(), ...key() },
    PLATFORM,
  );
  const { referenceId } = await bench.references.register(
    { modelId, role: 'original', name: 'o', artifactDigest: await stored(), ...key() },
    PLATFORM,
  );
  await expect(
    bench.releases.addRecording({ releaseId, recordingId, ...key() }, PLATFORM),
  ).rejects.toMatchObject({
    code: 'REGISTRY_NOT_RECORDED',
  });
  await expect(
    bench.references.addRecording({ referenceId, recordingId, ...key() }, PLATFORM),
  ).rejects.toMatchObject({ code: 'REGISTRY_NOT_RECORDED' });
});

it('a sample set needs no recording', async () => {
  const { modelId } = await bench.model();
  const sampleIds = ['b', 'a'];
  const set = await bench.sets.register(
    { modelId, role: 'calibration', name: 'c', sampleIds, idempotencyKey: bench.unique('k') },
    PLATFORM,
  );
  expect(set).toMatchObject({ size: 2, recordingId: null });
});

it('who repeats a registration gets its answer, also when the artifact was stored in between', async () => {
  const file = randomBytes(50);
  const elsewhere = await testDatabase();
  const there = await openRegistry(elsewhere);
  const artifactDigest = await stored(file, there.store);
  await there.close();
  await elsewhere.close();
  const { modelId } = await bench.model();
  const { recordingId } = await bench.record(['r1']);
  const input = { modelId, name: 'before', artifactDigest, recordingId, idempotencyKey: bench.unique('k') };
  await bench.references.register({ ...input, name: 'o', role: 'original' }, PLATFORM);
  const repeated = { ...input, idempotencyKey: bench.unique('k') };
  const release = await bench.releases.register(repeated, PLATFORM);
  expect(await stored(file)).toBe(artifactDigest);
  expect(await bench.releases.register(repeated, PLATFORM)).toEqual(release);
  const again = { ...repeated, name: 'after', idempotencyKey: bench.unique('k') };
  await expect(bench.releases.register(again, PLATFORM)).rejects.toMatchObject({
    code: 'REGISTRY_SOURCE_AMBIGUOUS',
  });
});
