/**
 * A release whose endpoint drifts, as its operator sees it: schedule, worker, log, metrics, API and `lacuna timeline` are those
 * of production. What else can come of a drift check: endpoint-drift.spec.ts.
 */
import { loadConfig } from '@app/config';
import { ArtifactStore } from '@app/inference';
import { createLogger } from '@app/logging';
import {
  DeletionRequestService,
  ModelService,
  ReferenceService,
  ReleaseService,
  SampleService,
  SampleSetService,
} from '@app/registry';
import { ProfileService, VerificationService } from '@app/verification';
import type { Type } from '@nestjs/common';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { runTimeline } from '../../apps/cli/src/commands/timeline.js';
import { ReverifySchedule } from '../../apps/daemon/src/schedules/reverify.schedule.js';
import { startWorker, type Worker } from '../../apps/worker/src/start-worker.js';
import type { EndpointServer } from '../support/endpoint-server.js';
import { type LiveModel, liveModel } from '../support/live.js';
import { openInferenceServer } from '../support/open-inference-server.js';
import { ALL, NOT_UNLEARNED, UNLEARNED } from '../support/served-release.js';
import { type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const ACTOR = 'platform:test';
const models = { m: { classifier: UNLEARNED } };
const workerLines: string[] = [];

let database: TestDatabase;
let daemon: TestDaemon;
let worker: Worker;
let server: EndpointServer;
let model: LiveModel;
let releaseId: string;

beforeAll(async () => {
  server = openInferenceServer(models);
  await server.listen();
  database = await testDatabase();
  // A due time that no run of this file meets by itself.
  daemon = await testDaemon(database, { settings: { LACUNA_REVERIFY_CRON: '0 0 29 2 *' } });
  const settings = { LACUNA_DATA_DIR: daemon.directory, LACUNA_ENDPOINT_HOSTS: server.host };
  worker = await startWorker(loadConfig({ ...settings, LACUNA_DRIFT_SAMPLE: '20' }), {
    logger: createLogger({ name: 'worker', level: 'info' }, { write: (line) => void workerLines.push(line) }),
    clock: () => new Date(),
    database: { address: database.address, close: () => Promise.resolve() },
  });
  model = await registered();
  const declaration = { kind: 'open-inference', url: server.url, model: 'm', outputForm: 'logits' };
  const { artifactDigest } = await service(ArtifactStore).storeEndpoint(declaration, ACTOR);
  releaseId = await model.release(artifactDigest);
  await until(async () => (await newest())?.progress.status === 'ATTESTED');
});
afterAll(async () => {
  await worker.stop();
  await daemon.close();
  await server.close();
  await database.close();
});

const service = <T>(type: Type<T>): T => daemon.daemon.app.get(type, { strict: false });
const newest = async () =>
  (await service(VerificationService).list({ releaseId }, { first: 1 })).items[0] ?? null;

/** A live model whose forget samples are committed, and its profile. */
async function registered(): Promise<LiveModel> {
  let count = 0;
  const unique = (prefix: string): string => `${prefix}-${(count += 1)}`;
  const sets = service(SampleSetService);
  const made = await liveModel({
    models: service(ModelService),
    references: service(ReferenceService),
    releases: service(ReleaseService),
    artifacts: service(ArtifactStore),
    samples: service(SampleService),
    sets,
    unique,
  });
  const { modelId, forget } = made;
  const samples = forget.map((sampleId) => ({ modelId, sampleId }));
  for (let i = 0; i < samples.length; i += 5) {
    const request = { subject: unique('subject'), regime: 'GDPR' as const, samples: samples.slice(i, i + 5) };
    const receivedAt = new Date('2026-11-01T00:00:00Z');
    await service(DeletionRequestService).file(
      { ...request, receivedAt, idempotencyKey: unique('k') },
      ACTOR,
    );
  }
  const { items } = await sets.list(modelId, { first: 10 });
  const setOf = (role: string) => items.find((set) => set.role === role)!.sampleSetId;
  const [calibrationSetId, controlsSetId] = [setOf('calibration'), setOf('controls')];
  const order = { modelId, calibrationSetId, controlsSetId, levels: 20, resamples: 1999 };
  await until(() =>
    service(ProfileService)
      .freeze({ ...order, idempotencyKey: 'profile' }, ACTOR)
      .then(
        () => true,
        (error: { code: string }) => {
          if (error.code !== 'VERIFICATION_SIGNALS_PENDING') throw error;
          return false;
        },
      ),
  );
  return made;
}

const CHECKS = `query ($id: ID!) { release(id: $id) {
  driftChecks { nodes { outcome generation sampled differing largestDifference tolerance errorCode seed dueAt } }
  same: driftChecks(outcome: SAME) { nodes { id } }
  verifications(first: 1) { nodes { result generation cause outcome { warnings work { targetPasses } } } }
} }`;

it('is checked at its due time, measured anew, and shown everywhere', async () => {
  expect(await newest()).toMatchObject({ result: 'PASSED', generation: 0 });
  models.m = { classifier: NOT_UNLEARNED };
  await database.admin`update lacuna.schedule_run set due_at = '2023-01-01Z' where schedule = 'reverify'`;
  const schedule = service(ReverifySchedule);
  const due = await Promise.all([schedule.serveDue(), schedule.serveDue()]);
  expect(due.filter((at) => at !== null)).toEqual([new Date('2024-02-29T00:00:00Z')]);
  await until(async () => {
    const verification = await newest();
    return verification?.generation === 1 && verification.progress.status === 'ATTESTED';
  });

  const { data, errors } = await daemon.graphql('auditor', CHECKS, { id: releaseId });
  expect(errors).toBeUndefined();
  expect(data).toMatchObject({
    release: {
      driftChecks: {
        nodes: [
          {
            outcome: 'DIFFERENT',
            generation: 0,
            sampled: 20,
            tolerance: 0.1,
            errorCode: null,
            seed: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
            dueAt: '2024-02-29T00:00:00.000Z',
          },
        ],
      },
      same: { nodes: [] },
      verifications: {
        nodes: [
          {
            result: 'FAILED',
            generation: 1,
            cause: 'SCHEDULE',
            outcome: {
              warnings: expect.arrayContaining(['ENDPOINT_DRIFTED']) as string[],
              work: { targetPasses: ALL },
            },
          },
        ],
      },
    },
  });
  const metrics = await (await daemon.get('nobody', '/metrics')).text();
  expect(metrics).toContain('lacuna_drift_checks_total{outcome="DIFFERENT"} 1');
  expect(metrics).toContain('lacuna_drift_checks_total{outcome="UNREACHABLE"} 0');
  const told = workerLines.find((line) => line.includes('what answers behind the endpoint has changed'));
  expect(JSON.parse(told!)).toMatchObject({ level: 'warn', outcome: 'DIFFERENT', releaseId, sampled: 20 });
  expect(await printedTimeline()).toMatch(
    /Endpoints that were asked again for known signals, newest first:\n\S+ {2}\S+ \S+ {2}DIFFERENT: \d+ of 20, largest difference \d\.\d+; all signals measured anew, generation 1\n/,
  );
});

it('is checked when an operator asks, whose answer names check and verification', async () => {
  const mutation = `mutation ($id: ID!) { reverifyRelease(releaseId: $id) {
    verificationId driftCheckDueAt verification { id }
  } }`;
  const { data, errors } = await daemon.graphql('operator', mutation, { id: releaseId });
  expect(errors).toBeUndefined();
  const { verificationId, driftCheckDueAt } = (data as { reverifyRelease: Record<string, string> })
    .reverifyRelease;
  await until(async () => {
    const verification = await newest();
    return verification!.verificationId === verificationId && verification!.progress.status === 'ATTESTED';
  });
  const answer = await daemon.graphql('auditor', CHECKS, { id: releaseId });
  expect(answer.data).toMatchObject({
    release: {
      driftChecks: { nodes: [{ outcome: 'SAME', generation: 1, dueAt: driftCheckDueAt }, {}] },
      verifications: { nodes: [{ cause: 'OPERATOR', generation: 1 }] },
    },
  });
});

async function printedTimeline(): Promise<string> {
  const { authorization } = await daemon.headersOf('auditor');
  const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const token = authorization!.slice('Bearer '.length);
    await runTimeline({ model: model.modelId, url: daemon.url, token });
    return String(printed.mock.calls.at(-1)![0]);
  } finally {
    printed.mockRestore();
  }
}
