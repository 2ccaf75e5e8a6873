/**
 * Everything a platform does, through the public API: model, references, calibration set, controls, profile, deletion
 * requests, releases.
 */
import type { ApiClient } from './api-client.js';
import { type Dataset, type RecordedRelease, TRUSTED_RELEASE } from './dataset.js';
import { type RegisteredRelease, Registrar } from './registrar.js';

export interface Registered {
  readonly modelId: string;
  /** In the order of {@link Dataset.requests}. */
  readonly requestIds: readonly string[];
  readonly releases: readonly RegisteredRelease[];
}

type Say = (text: string) => void;

export async function registerEverything(
  platform: ApiClient,
  dataset: Dataset,
  say: Say,
): Promise<Registered> {
  const register = new Registration(platform, dataset);
  say('registering the model and its two references');
  const modelId = await register.model();
  await register.reference(modelId, 'ORIGINAL', 'original', dataset.original);
  await register.reference(modelId, 'SHADOW', 'shadow', dataset.shadow);
  say(
    `registering ${dataset.calibration.length} calibration samples and ${dataset.controls.length} controls`,
  );
  await register.profile(modelId);
  say(`filing ${dataset.requests.length} deletion requests for ${dataset.commitments.length} samples`);
  const requestIds = await register.requests(modelId);
  const releases: RegisteredRelease[] = [];
  for (const recorded of dataset.releases) {
    say(`registering release ${recorded.name}; its verification starts by itself`);
    releases.push({ releaseId: await register.release(modelId, recorded), name: recorded.name });
  }
  return { modelId, requestIds, releases };
}

class Registration {
  private readonly registrar: Registrar;

  constructor(
    private readonly platform: ApiClient,
    private readonly dataset: Dataset,
  ) {
    this.registrar = new Registrar(platform, dataset.fingerprint);
  }

  async model(): Promise<string> {
    const name = `muse-news-${this.dataset.fingerprint}`;
    return this.registrar.mutate(
      'registerModel',
      'RegisterModelInput',
      { name, signalKind: 'LOSS' },
      'model',
    );
  }

  async reference(
    modelId: string,
    role: 'ORIGINAL' | 'SHADOW',
    name: string,
    losses: Float64Array,
  ): Promise<string> {
    const recordingId = await this.upload(losses, [...losses.keys()]);
    return this.registrar.mutate(
      'registerReference',
      'RegisterReferenceInput',
      { modelId, role, name, recordingId },
      name,
    );
  }

  async profile(modelId: string): Promise<string> {
    const { dataset } = this;
    const trusted = dataset.releases.find((release) => release.name === TRUSTED_RELEASE)!;
    const recordingId = await this.upload(trusted.losses, dataset.calibration);
    const calibrationSetId = await this.registrar.mutate(
      'registerCalibrationSet',
      'RegisterCalibrationSetInput',
      { modelId, name: 'forget chunks at odd positions', recordingId, trustedUnder: TRUSTED_RELEASE },
      'calibration',
    );
    const sampleIds = dataset.controls.map((index) => dataset.sampleIds[index]);
    const controlsSetId = await this.registrar.mutate(
      'registerControls',
      'RegisterControlsInput',
      { modelId, name: 'retained chunks', sampleIds },
      'controls',
    );
    return this.registrar.mutate(
      'freezeProfile',
      'FreezeProfileInput',
      { modelId, calibrationSetId, controlsSetId },
      'profile',
    );
  }

  requests(modelId: string): Promise<string[]> {
    const { requests, sampleIds } = this.dataset;
    return this.registrar.fileRequests(
      modelId,
      requests.map((places) => places.map((index) => sampleIds[index]!)),
    );
  }

  async release(modelId: string, { name, losses }: RecordedRelease): Promise<string> {
    const recordingId = await this.upload(losses, [...losses.keys()]);
    return this.registrar.mutate(
      'registerRelease',
      'RegisterReleaseInput',
      { modelId, name, recordingId },
      `release-${name}`,
    );
  }

  private upload(losses: Float64Array, places: readonly number[]): Promise<string> {
    return this.platform.uploadLosses(
      places.map((index) => ({ sampleId: this.dataset.sampleIds[index]!, loss: losses[index]! })),
    );
  }
}
