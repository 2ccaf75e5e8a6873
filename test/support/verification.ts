/**
 * Daemon and workers as the applications assemble them, over a test's own database, with a synthetic model whose
 * signals behave as the literature says. Jobs are taken by hand, one after another, so that a test decides who does what
 * and when; test/medium/worker.spec.ts runs the queue itself.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type KeySet,
  generatePrivateJwk,
  openSigningKey,
  publishKey,
  type SigningKey,
} from '@app/attestation';
import { ConfigModule, loadConfig } from '@app/config';
import { ArtifactStore, RecordingService } from '@app/inference';
import { LedgerModule, LedgerService } from '@app/ledger';
import { DatabaseModule } from '@app/process';
import { Queue, type QueueName, QueueModule } from '@app/queue';
import {
  DeletionRequestImportService,
  DeletionRequestService,
  ErasureService,
  ModelService,
  ReferenceService,
  RegistryModule,
  ReleaseService,
  ReleaseStandingService,
  SampleService,
  SampleSetService,
} from '@app/registry';
import { createEd25519Signer, formatVerifierKey } from '@app/tlog';
import {
  AttestationIssuer,
  AttestationService,
  BlockService,
  type BlockJob,
  BundleService,
  ConcludeService,
  type ConcludeJob,
  DriftCheckService,
  type DriftJob,
  type DriftSettings,
  EndpointDriftService,
  ExplanationService,
  FailuresService,
  type FreezeProfile,
  PendingSignalsService,
  type PlanJob,
  PlanService,
  type PrepareJob,
  ProfileService,
  RecurrenceService,
  ResultService,
  ReverificationService,
  TimelineService,
  SetSignalsService,
  type SignalsJob,
  VerificationModule,
  VerificationService,
  type WorkerOptions,
} from '@app/verification';
import { VaultModule, VaultService } from '@app/vault';
import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TEST_LEDGER } from './ledger.js';
import { bytesOf } from './registry.js';
import type { TestDatabase } from './test-database.js';
import { testVaultKeyFile } from './vault.js';

const ACTOR = 'platform:test';
const KEYS_SINCE = '2026-01-01T00:00:00.000Z';

export type Values = ReadonlyMap<string, number>;

export interface Job {
  readonly id: string;
  readonly name: QueueName;
  readonly data: PlanJob | BlockJob | ConcludeJob | DriftJob | PrepareJob | SignalsJob;
  /** Default false. */
  readonly lastTry?: boolean;
}

/** Everything one worker process does. */
export interface TestWorker {
  readonly app: INestApplicationContext;
  run(job: Job): Promise<void>;
  close(): Promise<void>;
}

/** Copies of model files of one database; removed with its bench. */
export const artifactCache = ({ name }: TestDatabase): string => join(tmpdir(), `${name}-artifacts`);

const shared = (database: TestDatabase): DynamicModule[] => [
  ConfigModule.forRoot(loadConfig({ LACUNA_ARTIFACT_CACHE: artifactCache(database) })),
  DatabaseModule.forRoot(database.address, { name: 'verification-test', poolSize: 6 }),
  QueueModule.forRoot({ onFailure: () => undefined }),
  VaultModule.forRoot(testVaultKeyFile()),
];

@Module({})
class VerificationBenchModule {}

const context = (imports: DynamicModule['imports']) =>
  NestFactory.createApplicationContext(
    { module: VerificationBenchModule, imports: imports ?? [] },
    { logger: ['error'], abortOnError: false },
  );

/** How a test's worker runs models. */
export type LiveModels = Pick<WorkerOptions, 'openRuntime' | 'models'> & { readonly drift?: DriftSettings };

const DRIFT: DriftSettings = { sample: 16, tolerance: 0.1, newSeed: () => new Uint8Array(32) };

const NO_LIVE_MODELS: LiveModels = {
  openRuntime: () => Promise.reject(new Error('this test has no live models')),
  models: 1,
};

/** @param name under which the worker's blocks are kept */
export async function openWorker(
  database: TestDatabase,
  name: string,
  models: LiveModels = NO_LIVE_MODELS,
): Promise<TestWorker> {
  const app = await context([
    ...shared(database),
    LedgerModule.forReaders({ ledgerName: TEST_LEDGER }),
    VerificationModule.forWorker({ workerName: name, drift: DRIFT, ...models }),
  ]);
  const failures = app.get(FailuresService);
  return {
    app,
    async run({ id, name: queue, data, lastTry = false }) {
      if (queue === 'verification.plan') {
        await failures.guard(id, lastTry, () => app.get(PlanService).plan(id, data as PlanJob));
      } else if (queue === 'verification.block') {
        const job = data as BlockJob;
        await failures.guard(job.verificationId, lastTry, () => app.get(BlockService).run(job));
      } else if (queue === 'verification.prepare') {
        await app.get(PendingSignalsService).prepare(data as PrepareJob);
      } else if (queue === 'verification.drift') {
        await app.get(EndpointDriftService).run(id, data as DriftJob, { lastTry });
      } else if (queue === 'verification.signals') {
        await app.get(SetSignalsService).run(data as SignalsJob);
      } else {
        const { verificationId } = data as ConcludeJob;
        await failures.guard(verificationId, lastTry, () => app.get(ConcludeService).run(verificationId));
      }
    },
    close: () => close(app),
  };
}

async function close(app: INestApplicationContext): Promise<void> {
  await app.get(Queue).stop(1000);
  await app.close();
}

export interface VerificationBench {
  readonly app: INestApplicationContext;
  readonly database: TestDatabase;
  readonly keys: InstallationKeys;
  readonly keySet: KeySet;
  readonly recordings: RecordingService;
  readonly models: ModelService;
  readonly references: ReferenceService;
  readonly sets: SampleSetService;
  readonly requests: DeletionRequestService;
  readonly imports: DeletionRequestImportService;
  readonly erasures: ErasureService;
  readonly releases: ReleaseService;
  readonly standings: ReleaseStandingService;
  readonly profiles: ProfileService;
  readonly verifications: VerificationService;
  readonly results: ResultService;
  readonly attestations: AttestationService;
  readonly bundles: BundleService;
  readonly recurrences: RecurrenceService;
  readonly explanations: ExplanationService;
  readonly timelines: TimelineService;
  readonly reverifications: ReverificationService;
  readonly driftChecks: DriftCheckService;
  readonly issuer: AttestationIssuer;
  readonly ledger: LedgerService;
  readonly vault: VaultService;
  readonly artifacts: ArtifactStore;
  readonly samples: SampleService;
  unique(prefix: string): string;
  record(values: Values, signalKind?: 'loss' | 'probability'): Promise<string>;
  file(modelId: string, samples: readonly string[]): Promise<string>;
  release(modelId: string, values: Values, signalKind?: 'loss' | 'probability'): Promise<string>;
  freeze(modelId: string, overrides?: Partial<FreezeProfile>): Promise<string>;
  /** The waiting jobs, oldest first; they count as taken. */
  takeJobs(name?: QueueName): Promise<Job[]>;
  /** Runs waiting jobs and those they lead to, attestations included; errors of hopeless jobs are returned. */
  drain(worker: TestWorker): Promise<unknown[]>;
  close(): Promise<void>;
}

/** What the daemons of one installation sign with. */
interface InstallationKeys {
  readonly attestations: SigningKey;
  readonly log: KeyObject;
}

function newKeys(): InstallationKeys {
  return {
    attestations: openSigningKey(generatePrivateJwk()),
    log: generateKeyPairSync('ed25519').privateKey,
  };
}

function keySetOf({ attestations, log }: InstallationKeys): KeySet {
  const { publicJwk } = openSigningKey(log.export({ format: 'jwk' }));
  const vkey = formatVerifierKey(createEd25519Signer(TEST_LEDGER, log));
  const active = { status: 'active', notBefore: KEYS_SINCE } as const;
  return { keys: [publishKey(attestations.publicJwk, active), publishKey(publicJwk, active, vkey)] };
}

export interface SignerOptions {
  readonly validSeconds?: number;
  /** Default 10: a test waits for the next checkpoint. */
  readonly checkpointIntervalMs?: number;
  /** Those of another daemon of the same installation; new ones where it is the first. */
  readonly keys?: InstallationKeys;
  /** What names and idempotency keys are numbered from; others than 0 where a bench before made some in the database. */
  readonly numbersFrom?: number;
}

export async function openVerification(
  database: TestDatabase,
  { validSeconds = 86_400, checkpointIntervalMs = 10, keys = newKeys(), numbersFrom = 0 }: SignerOptions = {},
): Promise<VerificationBench> {
  const directory = mkdtempSync(join(tmpdir(), 'lacuna-verification-'));
  const keySet = keySetOf(keys);
  const daemon = VerificationModule.forDaemon({
    signer: {
      key: keys.attestations,
      keySet,
      verifier: { id: 'https://ledger.test', version: '0.0.0' },
      validSeconds,
    },
  });
  const app = await context([
    ...shared(database),
    LedgerModule.forSigners({
      ledgerName: TEST_LEDGER,
      signerFor: (origin) => createEd25519Signer(origin, keys.log),
      signerStateFile: join(directory, 'state.json'),
      checkpointIntervalMs,
      onIntegrationError: (origin, error) => process.stderr.write(`${origin}: ${String(error)}\n`),
    }),
    RegistryModule,
    // Jobs are taken by hand here.
    { ...daemon, providers: daemon.providers!.filter((provider) => nameOf(provider) !== 'AttestationTasks') },
  ]);
  await app.get(Queue).start();
  return benchOf(app, database, { keys, directory, numbersFrom });
}

const nameOf = (provider: unknown): string => (typeof provider === 'function' ? provider.name : '');

function benchOf(
  app: INestApplicationContext,
  database: TestDatabase,
  {
    keys,
    directory,
    numbersFrom,
  }: { readonly keys: InstallationKeys; readonly directory: string; readonly numbersFrom: number },
): VerificationBench {
  let count = numbersFrom;
  const unique = (prefix: string): string => `${prefix}-${(count += 1)}`;
  const key = () => ({ idempotencyKey: unique('key') });
  const services = {
    recordings: app.get(RecordingService, { strict: false }),
    models: app.get(ModelService, { strict: false }),
    references: app.get(ReferenceService, { strict: false }),
    sets: app.get(SampleSetService, { strict: false }),
    requests: app.get(DeletionRequestService, { strict: false }),
    imports: app.get(DeletionRequestImportService, { strict: false }),
    erasures: app.get(ErasureService, { strict: false }),
    releases: app.get(ReleaseService, { strict: false }),
    standings: app.get(ReleaseStandingService, { strict: false }),
    profiles: app.get(ProfileService, { strict: false }),
    verifications: app.get(VerificationService, { strict: false }),
    results: app.get(ResultService, { strict: false }),
    attestations: app.get(AttestationService, { strict: false }),
    bundles: app.get(BundleService, { strict: false }),
    recurrences: app.get(RecurrenceService, { strict: false }),
    explanations: app.get(ExplanationService, { strict: false }),
    timelines: app.get(TimelineService, { strict: false }),
    reverifications: app.get(ReverificationService, { strict: false }),
    driftChecks: app.get(DriftCheckService, { strict: false }),
    issuer: app.get(AttestationIssuer, { strict: false }),
    ledger: app.get(LedgerService, { strict: false }),
    vault: app.get(VaultService, { strict: false }),
    artifacts: app.get(ArtifactStore, { strict: false }),
    samples: app.get(SampleService, { strict: false }),
  };
  const record: VerificationBench['record'] = async (values, signalKind = 'loss') => {
    const lines = [...values].map(([sampleId, value]) => `${JSON.stringify({ sampleId, value })}\n`);
    const options = { signalKind, uploadedBy: ACTOR };
    return (await services.recordings.store(bytesOf(lines.join('')), options)).recordingId;
  };
  const takeJobs: VerificationBench['takeJobs'] = async (name) => {
    const rows = await database.admin.unsafe<{ id: string; name: QueueName; data: Job['data'] }[]>(
      `update pgboss.job set state = 'completed', completed_on = now() where state = 'created'
         and name like $1 returning id, name, data, created_on`,
      [name ?? 'verification.%'],
    );
    return rows.map(({ id, name: queue, data }) => ({ id, name: queue, data }));
  };
  return {
    ...services,
    app,
    database,
    keys,
    keySet: keySetOf(keys),
    unique,
    record,
    takeJobs,
    async file(modelId, samples) {
      const { requestId } = await services.requests.file(
        {
          subject: unique('subject'),
          regime: 'GDPR',
          receivedAt: new Date('2026-11-01T00:00:00.000Z'),
          samples: samples.map((sampleId) => ({ modelId, sampleId })),
          ...key(),
        },
        ACTOR,
      );
      return requestId;
    },
    async release(modelId, values, signalKind) {
      const recordingId = await record(values, signalKind);
      const { releaseId } = await services.releases.register(
        { modelId, name: unique('release'), recordingId, ...key() },
        ACTOR,
      );
      return releaseId;
    },
    async freeze(modelId, overrides = {}) {
      const sets = await services.sets.list(modelId, { first: 100 });
      const setOf = (role: string) => sets.items.find((set) => set.role === role)!.sampleSetId;
      const { profileId } = await services.profiles.freeze(
        {
          modelId,
          calibrationSetId: setOf('calibration'),
          controlsSetId: setOf('controls'),
          levels: 20,
          resamples: 1999,
          ...key(),
          ...overrides,
        },
        ACTOR,
      );
      return profileId;
    },
    async drain(worker) {
      const errors: unknown[] = [];
      for (let jobs = await takeJobs(); jobs.length > 0; jobs = await takeJobs()) {
        for (const job of jobs) {
          const attest = job.name === 'verification.attest';
          const step = attest
            ? services.issuer.issue((job.data as ConcludeJob).verificationId)
            : worker.run(job);
          await step.catch((error: unknown) => errors.push(error));
        }
      }
      return errors;
    },
    async close() {
      await close(app);
      rmSync(directory, { recursive: true, force: true });
      rmSync(artifactCache(database), { recursive: true, force: true });
    },
  };
}

/** Deterministic numbers in [0, 1), good enough to scatter losses. */
export function scatter(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

/** Losses around `mean`, one a sample; the same seed gives the same losses. */
export function lossesAround(ids: readonly string[], mean: number, seed: number): Map<string, number> {
  const next = scatter(seed);
  return new Map(ids.map((id) => [id, mean * (0.8 + 0.4 * next())]));
}

export const idsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(5, '0')}`);

export const merged = (...maps: readonly Values[]): Map<string, number> =>
  new Map(maps.flatMap((map) => [...map]));

/** Mean losses of a sample that the model was trained on, and of one that it never saw. */
export const MEMBER_LOSS = 0.5;
export const STRANGER_LOSS = 2;

export interface SyntheticModel {
  readonly modelId: string;
  readonly calibration: readonly string[];
  readonly controls: readonly string[];
  /** Candidates for deletion; all have reference signals. */
  readonly forget: readonly string[];
  /** Signals of a release that unlearned `forgotten` and kept the rest. */
  releaseValues(forgotten: readonly string[], seed?: number): Map<string, number>;
}

export interface SyntheticOptions {
  readonly calibration?: number;
  readonly controls?: number;
  readonly forget?: number;
  readonly frozen?: boolean;
  readonly signalKind?: 'loss' | 'probability';
  /** The original never saw the calibration samples. */
  readonly calibrationUnknown?: true;
  /** Mean loss of the forget samples under the shadow; another than the default makes them unlike the calibration set. */
  readonly shadowLossOfForget?: number;
}

/** A model with references, calibration set and controls, ready for a profile. */
export async function syntheticModel(
  bench: VerificationBench,
  options: SyntheticOptions = {},
): Promise<SyntheticModel> {
  const { calibration: n = 150, controls: c = 80, forget: f = 40, frozen = true } = options;
  const { signalKind = 'loss', shadowLossOfForget = STRANGER_LOSS } = options;
  const asSignals = (losses: Values): Map<string, number> =>
    new Map([...losses].map(([id, loss]) => [id, signalKind === 'loss' ? loss : Math.exp(-loss)]));
  const calibration = idsOf('calibration', n);
  const controls = idsOf('control', c);
  const forget = idsOf('forget', f);
  const all = [...calibration, ...controls, ...forget];
  const key = () => ({ idempotencyKey: bench.unique('key') });
  const { modelId } = await bench.models.register(
    { name: bench.unique('model'), signalKind, ...key() },
    ACTOR,
  );
  const original = merged(
    lossesAround([...controls, ...forget], MEMBER_LOSS, 1),
    lossesAround(calibration, options.calibrationUnknown ? STRANGER_LOSS : MEMBER_LOSS, 2),
  );
  // A draw in which samples of a request do not stick together by chance: one in a hundred does, and is noticed.
  const shadow = merged(
    lossesAround(all, STRANGER_LOSS, 6),
    ...(shadowLossOfForget === STRANGER_LOSS ? [] : [lossesAround(forget, shadowLossOfForget, 6)]),
  );
  for (const [role, values] of [
    ['original', original],
    ['shadow', shadow],
  ] as const) {
    await bench.references.register(
      { modelId, role, name: role, recordingId: await bench.record(asSignals(values), signalKind), ...key() },
      ACTOR,
    );
  }
  const recordingId = await bench.record(asSignals(lossesAround(calibration, STRANGER_LOSS, 4)), signalKind);
  const calibrationSet = frozen
    ? { recordingId, trustedUnder: 'a retrained release' }
    : { sampleIds: [...calibration] };
  await bench.sets.register(
    { modelId, role: 'calibration', name: 'calibration', ...calibrationSet, ...key() },
    ACTOR,
  );
  await bench.sets.register(
    { modelId, role: 'controls', name: 'controls', sampleIds: [...controls], ...key() },
    ACTOR,
  );
  return {
    modelId,
    calibration,
    controls,
    forget,
    releaseValues(forgotten, seed = 10) {
      const gone = new Set(forgotten);
      return asSignals(
        merged(
          lossesAround(calibration, STRANGER_LOSS, seed + 1),
          lossesAround(controls, MEMBER_LOSS, seed + 2),
          lossesAround(
            forget.filter((id) => !gone.has(id)),
            MEMBER_LOSS,
            seed + 3,
          ),
          lossesAround([...gone], STRANGER_LOSS, seed + 4),
        ),
      );
    },
  };
}
