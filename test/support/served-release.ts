/**
 * A verified release behind a real HTTP endpoint whose model a test can exchange, with what a schedule, workers and people
 * do about it. The clock of the schedule is the test's.
 */
import { openAttestation, type Predicate } from '@app/attestation';
import { loadLocalRuntime, openRuntime, type RuntimeSource } from '@app/inference';
import type { Attestation, DriftSettings, RecordedDriftCheck, Verification } from '@app/verification';
import type { EndpointServer } from './endpoint-server.js';
import { type LiveModel, liveModel, releasingInto, rememberingModel } from './live.js';
import type { Classifier } from './models/classifier.js';
import { openInferenceServer, type ServedClassifier } from './open-inference-server.js';
import { runtimeOptions } from './runtime-options.js';
import { prepared, type PreparedDatabase, testDatabase, type TestDatabase } from './test-database.js';
import {
  type Job,
  openVerification,
  openWorker,
  type TestWorker,
  type VerificationBench,
} from './verification.js';

/** Known signals that a drift check asks for. */
export const SAMPLE = 16;
/** Calibration, controls and commitments of the model. */
export const COMMITTED = 40;
export const ALL = 150 + 80 + COMMITTED;

/** Of the release as it is registered, and of what it should not be. */
export const UNLEARNED = rememberingModel(['controls']);
export const NOT_UNLEARNED = rememberingModel(['controls', 'forget']);

const NAME = 'm';
const DAY_MS = 86_400_000;

export const DRIFT: DriftSettings = {
  sample: SAMPLE,
  tolerance: 0.1,
  newSeed: () => new Uint8Array(32).fill(7),
};

/** Files are run in this process, endpoints asked over HTTP. */
export function runLocally({ declaration, directory }: RuntimeSource) {
  const options = runtimeOptions({ endpoints: { hosts: ['127.0.0.1'], tokens: new Map() } });
  if (declaration.kind !== 'onnx') return openRuntime({ declaration, directory }, options);
  return loadLocalRuntime({ declaration, directory: directory! }, options);
}

type ServedModels = { [name: string]: ServedClassifier };

async function openServer(): Promise<{ readonly models: ServedModels; readonly server: EndpointServer }> {
  const models: ServedModels = { [NAME]: { classifier: UNLEARNED } };
  const server = openInferenceServer(models);
  await server.listen();
  return { models, server };
}

function openWorkers(database: TestDatabase): Promise<[TestWorker, TestWorker]> {
  const live = { openRuntime: runLocally, models: 3, drift: DRIFT };
  return Promise.all([openWorker(database, 'worker-a', live), openWorker(database, 'worker-b', live)]);
}

/** A release that is made once for all tests of a file, each of which has it in a database of its own. */
export class ServedReleases {
  private constructor(
    private readonly first: ServedRelease,
    private readonly database: PreparedDatabase,
    /** Samples that the endpoint was sent until the release was attested. */
    readonly passes: number,
  ) {}

  static async prepare(): Promise<ServedReleases> {
    const first = await ServedRelease.open();
    const passes = first.passes();
    await first.closeApplications();
    return new ServedReleases(first, await prepared(first.database), passes);
  }

  open(): Promise<ServedRelease> {
    return ServedRelease.openAgain(this.first, this.database);
  }

  async close(): Promise<void> {
    await this.first.server.close();
    await this.database.drop();
  }
}

export class ServedRelease {
  releaseId = '';
  private day = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly bench: VerificationBench,
    readonly worker: TestWorker,
    /** A second one, on another machine as it were. */
    readonly other: TestWorker,
    readonly server: EndpointServer,
    private readonly models: ServedModels,
    readonly model: LiveModel,
  ) {}

  /** Serves {@link UNLEARNED}; the release is attested. */
  static async open(): Promise<ServedRelease> {
    const { models, server } = await openServer();
    const database = await testDatabase();
    const bench = await openVerification(database);
    const workers = await openWorkers(database);
    const model = await liveModel(bench, { forget: COMMITTED });
    const served = new ServedRelease(database, bench, ...workers, server, models, model);
    for (let i = 0; i < model.forget.length; i += 5)
      await bench.file(model.modelId, model.forget.slice(i, i + 5));
    await served.drain();
    await bench.freeze(model.modelId);
    served.releaseId = await served.register();
    await served.drain();
    return served;
  }

  /** The same in a database cloned from `database`, which stands where a release was opened and closed. */
  static async openAgain(closed: ServedRelease, database: PreparedDatabase): Promise<ServedRelease> {
    const { server, models, model } = closed;
    server.received.length = 0;
    server.fault = null;
    models[NAME] = { classifier: UNLEARNED };
    const clone = await database.clone();
    const bench = await openVerification(clone, { keys: closed.bench.keys, numbersFrom: 1000 });
    const workers = await openWorkers(clone);
    const release = releasingInto(bench, model.modelId);
    const served = new ServedRelease(clone, bench, ...workers, server, models, { ...model, release });
    served.releaseId = closed.releaseId;
    return served;
  }

  async close(): Promise<void> {
    await this.closeApplications();
    await this.database.close();
  }

  /** Daemon and workers; database and endpoint are left. */
  async closeApplications(): Promise<void> {
    await this.worker.close();
    await this.other.close();
    await this.bench.close();
  }

  /** Exchanges the model behind the endpoint. */
  serve(classifier: Classifier, options: Omit<ServedClassifier, 'classifier'> = {}): void {
    this.models[NAME] = { classifier, ...options };
  }

  /** Registers a release with the address of the endpoint. @returns its id */
  async register(): Promise<string> {
    const declaration = { kind: 'open-inference', url: this.server.url, model: NAME, outputForm: 'logits' };
    const { artifactDigest } = await this.bench.artifacts.storeEndpoint(declaration, 'platform:test');
    return this.model.release(artifactDigest);
  }

  /** As the schedule looks, a day later each time. */
  look() {
    this.day += 1;
    return this.lookAgain();
  }

  /** Serves the same due time once more. */
  lookAgain() {
    const now = new Date(Date.UTC(2027, 0, this.day, 3));
    const next = new Date(now.getTime() + DAY_MS);
    return this.bench.reverifications.requestDue({ dueAt: now, now, next });
  }

  /** Does all that is asked for. @throws the first error of a job */
  async drain(): Promise<void> {
    for (const error of await this.bench.drain(this.worker)) throw error;
  }

  /** Does the jobs of one kind. */
  async runJobs(name: Job['name'], worker = this.worker): Promise<void> {
    for (const job of await this.bench.takeJobs(name)) await worker.run(job);
  }

  /** The check that a look asked for, as the queue delivers it for the last time. */
  async lastTry(): Promise<Job> {
    const [job] = await this.bench.takeJobs('verification.drift');
    return { ...job!, lastTry: true };
  }

  /** Newest first. */
  async checks(releaseId = this.releaseId): Promise<readonly RecordedDriftCheck[]> {
    return (await this.bench.driftChecks.list({ releaseId }, { first: 100 })).items;
  }

  async newest(releaseId = this.releaseId): Promise<Verification> {
    return (await this.bench.verifications.list({ releaseId }, { first: 1 })).items[0]!;
  }

  async attestations(): Promise<readonly Attestation[]> {
    return (await this.bench.attestations.list({ modelId: this.model.modelId }, { first: 100 })).items;
  }

  /** What an attestation says; the newest where none is given. */
  async stated(attestation?: Attestation): Promise<Predicate> {
    const { jws } = attestation ?? (await this.bench.attestations.latest(this.model.modelId))!;
    return (await openAttestation(jws, this.bench.keySet)).statement.predicate;
  }

  /** Samples that the endpoint was sent since the last call. */
  passes(): number {
    return this.server.received.splice(0).reduce((sum, { path, body }) => {
      if (!path.endsWith('/infer')) return sum;
      const { inputs } = JSON.parse(body.toString()) as { inputs: { shape: number[] }[] };
      return sum + inputs[0]!.shape[0]!;
    }, 0);
  }
}
