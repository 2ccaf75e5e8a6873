/**
 * Everything a platform does, through the public API: model, references, calibration set, controls, profile, deletion
 * requests, releases. Each step carries an idempotency key made of the data's fingerprint, so a run that was cut short
 * is simply run again.
 */
import type { ApiClient } from './api-client.js';
import { type Dataset, type RecordedRelease, TRUSTED_RELEASE } from './dataset.js';

export interface RegisteredRelease {
  readonly releaseId: string;
  readonly recorded: RecordedRelease;
}

export interface Registered {
  readonly modelId: string;
  /** In the order of {@link Dataset.requests}. */
  readonly requestIds: readonly string[];
  readonly releases: readonly RegisteredRelease[];
}

/** Requests in flight at a time: enough to be grouped into few commits. */
const CONCURRENCY = 16;
/** The demo's requests all arrived on one day; a fixed one, so that a second run files the same ones. */
const RECEIVED_AT = '2026-01-15T09:00:00.000Z';

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
    releases.push({ releaseId: await register.release(modelId, recorded), recorded });
  }
  return { modelId, requestIds, releases };
}

class Registration {
  constructor(
    private readonly platform: ApiClient,
    private readonly dataset: Dataset,
  ) {}

  async model(): Promise<string> {
    const name = `muse-news-${this.dataset.fingerprint}`;
    return this.mutate('registerModel', 'RegisterModelInput', { name, signalKind: 'LOSS' }, 'model');
  }

  async reference(
    modelId: string,
    role: 'ORIGINAL' | 'SHADOW',
    name: string,
    losses: Float64Array,
  ): Promise<string> {
    const recordingId = await this.upload(losses, [...losses.keys()]);
    return this.mutate(
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
    const calibrationSetId = await this.mutate(
      'registerCalibrationSet',
      'RegisterCalibrationSetInput',
      { modelId, name: 'forget chunks at odd positions', recordingId, trustedUnder: TRUSTED_RELEASE },
      'calibration',
    );
    const sampleIds = dataset.controls.map((index) => dataset.sampleIds[index]);
    const controlsSetId = await this.mutate(
      'registerControls',
      'RegisterControlsInput',
      { modelId, name: 'retained chunks', sampleIds },
      'controls',
    );
    return this.mutate(
      'freezeProfile',
      'FreezeProfileInput',
      { modelId, calibrationSetId, controlsSetId },
      'profile',
    );
  }

  async requests(modelId: string): Promise<string[]> {
    const { requests, sampleIds } = this.dataset;
    const ids = new Array<string>(requests.length);
    const waiting = requests.entries();
    const lane = async () => {
      for (const [number, places] of waiting) {
        const subject = `subject-${String(number + 1).padStart(3, '0')}`;
        const samples = places.map((index) => ({ modelId, sampleId: sampleIds[index] }));
        const input = { subject, regime: 'GDPR', receivedAt: RECEIVED_AT, samples };
        ids[number] = await this.mutate('fileDeletionRequest', 'FileDeletionRequestInput', input, subject);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, lane));
    return ids;
  }

  async release(modelId: string, { name, losses }: RecordedRelease): Promise<string> {
    const recordingId = await this.upload(losses, [...losses.keys()]);
    return this.mutate(
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

  private async mutate(field: string, type: string, input: object, step: string): Promise<string> {
    const idempotencyKey = `demo-${this.dataset.fingerprint}-${step}`;
    const query = `mutation ($input: ${type}!) { ${field}(input: $input) { id } }`;
    const answer = await this.platform.graphql<Record<string, { id: string }>>(query, {
      input: { ...input, idempotencyKey },
    });
    return answer[field]!.id;
  }
}
