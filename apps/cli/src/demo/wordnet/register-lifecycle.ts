/** The platform's part with live models, through the public API: samples, artifacts, references, sets, profile, requests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { pack } from 'tar-stream';
import { type Bag, denseRows, type Lifecycle } from '../../../../lab/src/index.js';
import { CliError } from '../../errors.js';
import type { ApiClient } from '../api-client.js';
import { type RegisteredRelease, Registrar } from '../registrar.js';
import type { Stage } from '../stage.js';

export interface LiveModel {
  readonly modelId: string;
  /** By request number. */
  readonly requestIds: readonly string[];
  readonly registrar: Registrar;
}

const POLL_MS = 250;
/** Reference signals of the sets: thousands of samples through a handful of small models. */
const FREEZE_TIMEOUT_MS = 180_000;

const ids = (bags: readonly Bag[]): string[] => bags.map(({ id }) => id);

export async function registerLiveModel(
  platform: ApiClient,
  lifecycle: Lifecycle,
  { say, processes }: Pick<Stage, 'say' | 'processes'>,
): Promise<LiveModel> {
  const { world, settings, recipes, measured, fingerprint } = lifecycle;
  const registrar = new Registrar(platform, `wordnet-${fingerprint}`);
  const name = `wordnet-${fingerprint}`;
  const modelId = await registrar.mutate(
    'registerModel',
    'RegisterModelInput',
    { name, signalKind: 'PROBABILITY' },
    'model',
  );
  say(`storing ${String(measured.length)} samples, encrypted one by one`);
  await platform.uploadLines(`/v1/models/${modelId}/samples`, samplesOf(measured, settings.vocabulary));
  say(`uploading and registering the original model and ${String(recipes.shadows.length)} shadow models`);
  const register = async (role: 'ORIGINAL' | 'SHADOW', reference: string) => {
    const artifactDigest = await uploadModel(platform, lifecycle, reference);
    const input = { modelId, role, name: reference, artifactDigest };
    await registrar.mutate('registerReference', 'RegisterReferenceInput', input, reference);
  };
  await register('ORIGINAL', recipes.original.name);
  for (const shadow of recipes.shadows) await register('SHADOW', shadow.name);
  const calibrationSetId = await registrar.mutate(
    'registerCalibrationSet',
    'RegisterCalibrationSetInput',
    { modelId, name: 'in the original, in no release', sampleIds: ids(world.calibration) },
    'calibration',
  );
  const controlsSetId = await registrar.mutate(
    'registerControls',
    'RegisterControlsInput',
    { modelId, name: 'retained glosses', sampleIds: ids(world.retained.slice(0, settings.controls)) },
    'controls',
  );
  say('freezing the profile once the references have been run on both sets');
  const profile = { modelId, calibrationSetId, controlsSetId };
  await freezeWhenMeasured(
    () => registrar.mutate('freezeProfile', 'FreezeProfileInput', profile, 'profile'),
    processes,
  );
  say(
    `filing ${String(world.requests.length)} deletion requests for ${String(world.requests.flat().length)} samples`,
  );
  const requestIds = await registrar.fileRequests(modelId, world.requests.map(ids));
  return { modelId, requestIds, registrar };
}

export async function registerLiveRelease(
  platform: ApiClient,
  { modelId, registrar }: LiveModel,
  name: string,
  lifecycle: Lifecycle,
): Promise<RegisteredRelease> {
  const artifactDigest = await uploadModel(platform, lifecycle, name);
  const input = { modelId, name, artifactDigest };
  return {
    name,
    releaseId: await registrar.mutate('registerRelease', 'RegisterReleaseInput', input, `release-${name}`),
  };
}

function* samplesOf(bags: readonly Bag[], vocabulary: number): Generator<object> {
  for (const bag of bags) {
    const row = denseRows([bag], vocabulary);
    const base64 = Buffer.from(row.buffer).toString('base64');
    const words = { dtype: 'float32', shape: [vocabulary], base64 };
    yield { sampleId: bag.id, label: bag.label, inputs: { words } };
  }
}

/** Uploads a trained model's folder as an archive and returns its digest, the same for the same files. */
async function uploadModel(platform: ApiClient, { models }: Lifecycle, name: string): Promise<string> {
  const archive = pack();
  for (const file of ['model.json', 'weights.bin'])
    archive.entry({ name: file }, await readFile(join(models.get(name)!.folder, file)));
  archive.finalize();
  const declaration = new URLSearchParams({ kind: 'tfjs', entry: 'model.json', outputForm: 'logits' });
  const { artifactDigest } = await platform.upload<{ artifactDigest: string }>(
    `/v1/artifacts?${declaration.toString()}`,
    await buffer(archive),
    { 'content-type': 'application/x-tar' },
  );
  return artifactDigest;
}

/** Workers run the references on the sets; until they have, freezing is refused for the moment. */
async function freezeWhenMeasured(
  freeze: () => Promise<string>,
  processes: Pick<Stage['processes'], 'ensureRunning'>,
): Promise<void> {
  const deadline = Date.now() + FREEZE_TIMEOUT_MS;
  for (;;) {
    processes.ensureRunning();
    try {
      await freeze();
      return;
    } catch (error) {
      const pending = error instanceof CliError && error.details['code'] === 'VERIFICATION_SIGNALS_PENDING';
      if (!pending || Date.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}
