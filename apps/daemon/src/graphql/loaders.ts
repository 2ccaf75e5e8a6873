import type { Artifact, ArtifactStore } from '@app/inference';
import type {
  DeletionRequest,
  DeletionRequestService,
  Erasure,
  ErasureService,
  Model,
  ModelService,
  Release,
  ReleaseService,
  ReleaseStandingService,
  Supersession,
  Withdrawal,
} from '@app/registry';
import type {
  Attestation,
  AttestationService,
  ListedProfile,
  ProfileService,
  Verification,
  VerificationService,
} from '@app/verification';
import { BatchLoader } from './batch-loader.js';

export interface LoaderServices {
  readonly models: ModelService;
  readonly releases: ReleaseService;
  readonly standings: ReleaseStandingService;
  readonly requests: DeletionRequestService;
  readonly erasures: ErasureService;
  readonly profiles: ProfileService;
  readonly verifications: VerificationService;
  readonly attestations: AttestationService;
  readonly artifacts: ArtifactStore;
}

/** The reads of one request that its fields share, by id. */
export class Loaders {
  readonly models: BatchLoader<string, Model>;
  readonly releases: BatchLoader<string, Release>;
  /** By model. */
  readonly currentReleases: BatchLoader<string, Release>;
  /** By release. */
  readonly withdrawals: BatchLoader<string, Withdrawal>;
  /** By release. */
  readonly supersessions: BatchLoader<string, Supersession>;
  readonly requests: BatchLoader<string, DeletionRequest>;
  /** By request. */
  readonly erasures: BatchLoader<string, Erasure>;
  readonly profiles: BatchLoader<string, ListedProfile>;
  readonly verifications: BatchLoader<string, Verification>;
  /** By digest. */
  readonly artifacts: BatchLoader<string, Artifact>;
  /** By verification. */
  readonly attestations: BatchLoader<string, Attestation>;

  constructor(services: LoaderServices) {
    const { models, releases, standings, requests, erasures, profiles } = services;
    const { verifications, attestations, artifacts } = services;
    this.models = new BatchLoader(async (ids) => byKey(await models.getMany(ids), (model) => model.modelId));
    this.releases = new BatchLoader(async (ids) =>
      byKey(await releases.getMany(ids), (release) => release.releaseId),
    );
    this.currentReleases = new BatchLoader(async (ids) =>
      byKey(await releases.currentReleases(ids), (release) => release.modelId),
    );
    this.withdrawals = new BatchLoader(async (ids) =>
      byKey(await standings.withdrawals(ids), (withdrawal) => withdrawal.releaseId),
    );
    this.supersessions = new BatchLoader(async (ids) =>
      byKey(await standings.supersessions(ids), (supersession) => supersession.releaseId),
    );
    this.requests = new BatchLoader(async (ids) =>
      byKey(await requests.getMany(ids), (request) => request.requestId),
    );
    this.erasures = new BatchLoader(async (ids) =>
      byKey(await erasures.getMany(ids), (erasure) => erasure.requestId),
    );
    this.artifacts = new BatchLoader(async (digests) =>
      byKey(await artifacts.getMany(digests), (artifact) => artifact.artifactDigest),
    );
    this.profiles = new BatchLoader((ids) => each(ids, (id) => profiles.get(id)));
    this.verifications = new BatchLoader((ids) => each(ids, (id) => verifications.find(id)));
    this.attestations = new BatchLoader((ids) => each(ids, (id) => attestations.ofVerification(id)));
  }
}

function byKey<V>(values: readonly V[], keyOf: (value: V) => string): ReadonlyMap<string, V> {
  return new Map(values.map((value) => [keyOf(value), value]));
}

/** For services that read one at a time: the loader still asks for each only once. */
async function each<V>(
  ids: readonly string[],
  read: (id: string) => Promise<V | null>,
): Promise<ReadonlyMap<string, V>> {
  const found = new Map<string, V>();
  await Promise.all(
    ids.map(async (id) => {
      const value = await read(id);
      if (value !== null) found.set(id, value);
    }),
  );
  return found;
}
