/**
 * The main job as clients see it: bulk files and registrations in, a verification that nobody asked for, an attestation
 * and a bundle out, checked with nothing but the published keys. Daemon and worker are those of production.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { formatKeySet, parseBundle, parseKeySet, verifyAttestation, verifyBundle } from '@app/attestation';
import { loadConfig } from '@app/config';
import { createLogger } from '@app/logging';
import {
  CompactRange,
  createEd25519Verifier,
  hashLeaf,
  openCheckpoint,
  parseEntryBundle,
  parseVerifierKey,
} from '@app/tlog';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runTimeline } from '../../apps/cli/src/commands/timeline.js';
import { SeededRandom } from '../../libs/iam/src/random.js';
import { ReverifySchedule } from '../../apps/daemon/src/schedules/reverify.schedule.js';
import { startWorker, type Worker } from '../../apps/worker/src/start-worker.js';
import { TEST_LEDGER } from '../support/ledger.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { type GraphqlAnswer, type TestDaemon, testDaemon } from '../support/test-daemon.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let daemon: TestDaemon;
let worker: Worker;

beforeAll(async () => {
  database = await testDatabase();
  // A due time that no run of this file meets by itself.
  daemon = await testDaemon(database, { settings: { LACUNA_REVERIFY_CRON: '0 0 29 2 *' } });
  worker = await startWorker(loadConfig({ LACUNA_DATA_DIR: daemon.directory }), {
    logger: createLogger({ name: 'worker', level: 'silent' }),
    clock: () => new Date(),
    database: { address: database.address, close: () => Promise.resolve() },
  });
});
afterAll(async () => {
  await worker.stop();
  await daemon.close();
  await database.close();
});

const random = new SeededRandom('daemon-main-flow');
/** A loss around `mean`: members lie low, the never-trained high. */
const lossAround = (mean: number): number =>
  Math.max(0.01, mean + ((random.nextUint32() + random.nextUint32()) / 2 ** 32 - 1) * 0.4);
const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const COMMITTED = ids('forget', 60);
const CALIBRATION = ids('calibration', 240);
const CONTROLS = ids('retain', 240);

type Losses = readonly (readonly [string, number])[];
const lossesOf = (means: readonly (readonly [readonly string[], number])[]): Losses =>
  means.flatMap(([samples, mean]) => samples.map((sample) => [sample, lossAround(mean)] as const));
const ndjson = (losses: Losses) =>
  losses.map(([sampleId, loss]) => JSON.stringify({ sampleId, loss })).join('\n');

async function upload(body: string | Uint8Array<ArrayBuffer>, type?: string): Promise<string> {
  const response = await daemon.upload('platform', '/v1/recordings?kind=loss', body, type);
  expect(response.status).toBe(200);
  return ((await response.json()) as { recordingId: string }).recordingId;
}

async function ask<T>(query: string, variables: Record<string, unknown>): Promise<T> {
  const answer: GraphqlAnswer = await daemon.graphql('platform', query, variables);
  expect(answer.errors).toBeUndefined();
  return answer.data as T;
}

const register = async (
  field: string,
  inputType: string,
  input: Record<string, unknown>,
): Promise<string> => {
  const query = `mutation ($input: ${inputType}!) { made: ${field}(input: $input) { id } }`;
  const { made } = await ask<{ made: { id: string } }>(query, {
    input: { idempotencyKey: `${field}/${JSON.stringify(input).slice(0, 150)}`, ...input },
  });
  return made.id;
};

interface Verified {
  readonly id: string;
  readonly result: string | null;
  readonly cause: string;
  readonly treeSize: string;
  readonly progress: { readonly status: string; readonly errorCode: string | null };
  readonly outcome: { requestCounts: { verdict: string; count: number }[]; work: { signalsRead: number } };
  readonly attestation: { id: string; jws: string; tlogProof: string };
}

/** The release's newest verification (not `other`) once nothing more happens to it. */
async function verificationOf(releaseId: string, other?: string): Promise<Verified> {
  const query = `query ($id: ID!) { release(id: $id) { verifications(first: 1) { nodes {
    id result cause treeSize progress { status errorCode } outcome { requestCounts { verdict count } work { signalsRead } }
    attestation { id jws tlogProof } } } } }`;
  let found: Verified | undefined;
  await until(async () => {
    const { release } = await ask<{ release: { verifications: { nodes: Verified[] } } }>(query, {
      id: releaseId,
    });
    found = release.verifications.nodes.find(({ id }) => id !== other);
    return found !== undefined && ['ATTESTED', 'FAILED'].includes(found.progress.status);
  });
  return found!;
}

const requestIds: string[] = [];
let modelId = '';
let clean: Verified;
let dirty: Verified;

describe('the main job', () => {
  it('takes references, sets, requests and a profile', async () => {
    modelId = await register('registerModel', 'RegisterModelInput', { name: 'news', signalKind: 'LOSS' });
    const original = lossesOf([
      [COMMITTED, 1],
      [CONTROLS, 1],
      [CALIBRATION, 2],
    ]);
    const originalId = await upload(gzipSync(ndjson(original)), 'application/gzip');
    await register('registerReference', 'RegisterReferenceInput', {
      modelId,
      role: 'ORIGINAL',
      name: 'original',
      recordingId: originalId,
    });
    const shadow = lossesOf([[[...COMMITTED, ...CONTROLS, ...CALIBRATION], 2]]);
    const csv = ['sample_id,loss', ...shadow.map(([id, loss]) => `${id},${loss}`)].join('\n');
    await register('registerReference', 'RegisterReferenceInput', {
      modelId,
      role: 'SHADOW',
      name: 'shadow',
      recordingId: await upload(csv, 'text/csv'),
    });
    const calibrationSetId = await register('registerCalibrationSet', 'RegisterCalibrationSetInput', {
      modelId,
      name: 'calibration',
      sampleIds: CALIBRATION,
    });
    const controlsSetId = await register('registerControls', 'RegisterControlsInput', {
      modelId,
      name: 'controls',
      sampleIds: CONTROLS,
    });
    for (let from = 0; from < COMMITTED.length; from += 10) {
      const samples = COMMITTED.slice(from, from + 10).map((sampleId) => ({ modelId, sampleId }));
      const input = {
        subject: `person-${from}`,
        regime: 'GDPR',
        receivedAt: '2026-11-01T00:00:00Z',
        samples,
      };
      requestIds.push(await register('fileDeletionRequest', 'FileDeletionRequestInput', input));
    }
    await register('freezeProfile', 'FreezeProfileInput', { modelId, calibrationSetId, controlsSetId });
  });

  it('verifies each release because it was registered', async () => {
    const releaseOf = async (name: string, committedMean: number) => {
      const losses = lossesOf([
        [COMMITTED, committedMean],
        [CONTROLS, 1],
        [CALIBRATION, 2],
      ]);
      return register('registerRelease', 'RegisterReleaseInput', {
        modelId,
        name,
        recordingId: await upload(ndjson(losses)),
      });
    };
    clean = await verificationOf(await releaseOf('retrained', 2));
    dirty = await verificationOf(await releaseOf('rolled back', 1));
    expect(clean).toMatchObject({ cause: 'RELEASE', treeSize: '60', progress: { status: 'ATTESTED' } });
    expect(clean.result).toBe('PASSED');
    expect(dirty.result).toBe('FAILED');
    const residual = dirty.outcome.requestCounts.find(({ verdict }) => verdict === 'RESIDUAL');
    expect(residual?.count).toBe(6);
  });

  it('serves attestation, proof, results and bundle that check offline by the published keys', async () => {
    const jwks = await (await daemon.get('nobody', '/.well-known/jwks.json')).text();
    const keySet = parseKeySet(jwks);
    expect(formatKeySet(keySet)).toBe(jwks);
    const path = `/v1/attestations/${dirty.attestation.id}`;
    const jws = await (await daemon.get('auditor', path)).text();
    expect(jws).toBe(dirty.attestation.jws);
    const proof = await (await daemon.get('auditor', `${path}/tlog-proof`)).text();
    const plain = await daemon.get('auditor', `${path}/results`, { 'accept-encoding': 'identity' });
    const results = await plain.text();
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(results.trimEnd().split('\n')).toHaveLength(60);
    const zipped = await daemon.get('auditor', `${path}/results`, { 'accept-encoding': 'gzip' });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(await zipped.text()).toBe(results);
    const now = new Date();
    const account = await verifyAttestation(jws, {
      keySet,
      now,
      tlogProof: proof,
      previousJws: clean.attestation.jws,
      results: results.trimEnd().split('\n'),
    });
    expect(account.statement.predicate.result).toBe('FAILED');
    expect(account.checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    const bundle = await daemon.get(
      'auditor',
      `/v1/deletion-requests/${requestIds[3]}/bundle?model=${modelId}`,
    );
    expect(bundle.status).toBe(200);
    const { request, commitments } = await verifyBundle(parseBundle(await bundle.text()), { keySet, now });
    expect(request).toBe(requestIds[3]);
    expect(commitments).toHaveLength(10);
  });

  it('serves each log to any C2SP client', async () => {
    const keySet = parseKeySet(await (await daemon.get('nobody', '/.well-known/jwks.json')).text());
    const vkeys = keySet.keys.flatMap((key) => ('lacuna:vkey' in key ? [key['lacuna:vkey']] : []));
    const publicKey = parseVerifierKey(vkeys[0]!).publicKey;
    const origin = `${TEST_LEDGER}/${modelId}/commitments`;
    const note = await (await daemon.get('nobody', `/logs/${origin}/checkpoint`)).text();
    const checkpoint = openCheckpoint(note, createEd25519Verifier(origin, publicKey), origin);
    expect(checkpoint.treeSize).toBe(60n);
    const tile = await daemon.get('nobody', `/logs/${origin}/tile/0/000.p/60`);
    const hashes = new Uint8Array(await tile.arrayBuffer());
    expect(hashes).toHaveLength(60 * 32);
    const entries = await daemon.get('nobody', `/logs/${origin}/tile/entries/000.p/60`);
    const leaves = parseEntryBundle(new Uint8Array(await entries.arrayBuffer()), 60);
    expect(leaves.map((leaf) => Buffer.from(hashLeaf(leaf)).toString('hex'))).toEqual(
      leaves.map((_, i) => Buffer.from(hashes.subarray(i * 32, (i + 1) * 32)).toString('hex')),
    );
    const tree = CompactRange.empty();
    for (const leaf of leaves) tree.append(hashLeaf(leaf));
    expect(Buffer.from(tree.root())).toEqual(Buffer.from(checkpoint.rootHash));
    expect((await daemon.get('nobody', `/logs/${origin}/tile/0/001`)).status).toBe(404);
    expect((await daemon.get('nobody', `/logs/${origin}/tile/entries/000.p/61`)).status).toBe(404);
    expect((await daemon.get('nobody', '/logs/elsewhere/checkpoint')).status).toBe(404);
  });

  it('computes nothing for a release that an operator has verified again', async () => {
    const query =
      'mutation ($id: ID!) { reverifyRelease(releaseId: $id) { verificationId verification { id } } }';
    const { data } = await daemon.graphql('auditor', '{ models { nodes { currentRelease { id } } } }');
    const releaseId = (data as { models: { nodes: { currentRelease: { id: string } }[] } }).models.nodes[0]!
      .currentRelease.id;
    const answer = await daemon.graphql('operator', query, { id: releaseId });
    expect(answer.errors).toBeUndefined();
    const again = await verificationOf(releaseId, dirty.id);
    expect(again).toMatchObject({ cause: 'OPERATOR', result: 'FAILED', progress: { status: 'ATTESTED' } });
    expect(again.outcome.work.signalsRead).toBe(0);
  });

  it('says nothing about subjects, samples or secrets in its log', () => {
    const log = daemon.logLines.join('');
    expect(log).toContain('"msg":"request"');
    for (const secret of ['person-', 'forget-', 'retain-', 'Bearer', 'eyJ', 'PRIVATE KEY']) {
      expect(log).not.toContain(secret);
    }
  });

  it('reports what it did', async () => {
    const metrics = await (await daemon.get('nobody', '/metrics')).text();
    expect(metrics).toMatch(/lacuna_verifications\{result="PASSED"\} 1/);
    expect(metrics).toMatch(/lacuna_queue_depth\{queue="verification.plan"\} 0/);
    expect(metrics).toMatch(
      /lacuna_http_request_seconds_count\{method="POST",route="\/v1\/recordings",status="200"\}/,
    );
    expect(metrics).toMatch(/lacuna_uncheckpointed_entries \d+/);
  });
});

describe('a file that is refused', () => {
  const refusalOf = async (body: string, kind = 'loss', type?: string) => {
    const response = await daemon.upload('platform', `/v1/recordings?kind=${kind}`, body, type);
    const { error } = (await response.json()) as {
      error: { code: string; details: Record<string, unknown> };
    };
    return { status: response.status, code: error.code, line: error.details['line'] };
  };
  const good = '{"sampleId":"a","loss":1}';

  it.each([
    ['a malformed line', `${good}\nnonsense`, 422, 'RECORDING_MALFORMED_LINE', 2],
    ['a sample twice', `${good}\n${good}`, 422, 'RECORDING_DUPLICATE_SAMPLE', 2],
    ['a negative loss', '{"sampleId":"a","loss":-1}', 422, 'RECORDING_VALUE_OUT_OF_RANGE', 1],
    ['nothing', '', 422, 'RECORDING_EMPTY', undefined],
  ])('for %s', async (_what, body, status, code, line) => {
    expect(await refusalOf(body)).toEqual({ status, code, line });
  });

  it('for its kind, or for not being a file', async () => {
    expect(await refusalOf(good, 'feeling')).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' });
    expect(await refusalOf(good, 'loss', 'application/json')).toMatchObject({
      status: 415,
      code: 'REQUEST_UNSUPPORTED_MEDIA_TYPE',
    });
    expect(await refusalOf(good, 'loss', 'image/png')).toMatchObject({
      status: 415,
      code: 'REQUEST_UNSUPPORTED_MEDIA_TYPE',
    });
  });
});

describe('the timeline of the model', () => {
  const QUERY = `query ($id: ID!, $first: Int, $after: String) { model(id: $id) { currentRelease { name }
    timeline(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes {
      verifiedAt attestedAt attestationCount renewalCount latestAttestation { expiresAt verification { id } }
      release { name isCurrent withdrawal { reason } supersession { successor { name } } } verification { id result }
      requests(first: 4) { pageInfo { hasNextPage } nodes { verdict recurred request { id } } } } } } }`;
  interface Timeline {
    readonly model: {
      readonly currentRelease: { readonly name: string } | null;
      readonly timeline: {
        readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string };
        readonly nodes: readonly Record<string, unknown>[];
      };
    };
  }

  it('has each release with its verdicts, what came back under it, and its attestations', async () => {
    const first = (await ask<Timeline>(QUERY, { id: modelId, first: 1 })).model.timeline;
    expect(first.pageInfo.hasNextPage).toBe(true);
    expect(first.nodes[0]).toMatchObject({
      release: { name: 'retrained', isCurrent: false, withdrawal: null, supersession: null },
      verification: { id: clean.id, result: 'PASSED' },
      attestationCount: 1,
      renewalCount: 0,
      latestAttestation: { verification: { id: clean.id } },
      requests: {
        pageInfo: { hasNextPage: true },
        nodes: [...requestIds]
          .sort()
          .slice(0, 4)
          .map((id) => ({ verdict: 'OVER_UNLEARNED', recurred: false, request: { id } })),
      },
    });
    const rest = await ask<Timeline>(QUERY, { id: modelId, after: first.pageInfo.endCursor });
    expect(rest.model.timeline.nodes[0]).toMatchObject({
      release: { name: 'rolled back' },
      requests: { nodes: Array.from({ length: 4 }, () => ({ verdict: 'RESIDUAL', recurred: true })) },
    });
  });

  it('keeps what single requests are told from those who only run the service', async () => {
    const answer = await daemon.graphql('operator', QUERY, { id: modelId });
    expect(answer.errors?.[0]?.extensions.code).toBe('AUTH_ROLE_MISSING');
  });

  it('is a table and a plot on the command line, with releases that were taken out of use', async () => {
    const releases = await ask<{ model: { releases: { nodes: { id: string }[] } } }>(
      'query ($id: ID!) { model(id: $id) { releases { nodes { id } } } }',
      { id: modelId },
    );
    const [good, bad] = releases.model.releases.nodes.map(({ id }) => id);
    await register('supersedeRelease', 'SupersedeReleaseInput', { releaseId: bad, successorId: good });
    await register('withdrawRelease', 'WithdrawReleaseInput', { releaseId: bad, reason: 'RESIDUE_FOUND' });
    const again = await daemon.graphql(
      'platform',
      'mutation ($input: WithdrawReleaseInput!) { withdrawRelease(input: $input) { id } }',
      { input: { idempotencyKey: 'another', releaseId: bad, reason: 'RETIRED' } },
    );
    expect(again.errors?.[0]?.extensions.code).toBe('REGISTRY_RELEASE_WITHDRAWN');
    const { release } = await ask<{ release: object }>(
      `query ($id: ID!) { release(id: $id) { isCurrent withdrawal { reason withdrawnBy }
        supersession { supersededBy successor { id isCurrent supersession { at } } } } }`,
      { id: bad },
    );
    expect(release).toEqual({
      isCurrent: false,
      withdrawal: { reason: 'RESIDUE_FOUND', withdrawnBy: 'platform@test' },
      supersession: {
        supersededBy: 'platform@test',
        successor: { id: good, isCurrent: true, supersession: null },
      },
    });
    const { model } = await ask<Timeline>(QUERY, { id: modelId });
    expect(model.currentRelease).toEqual({ name: 'retrained' });
    const file = join(daemon.directory, 'timeline.svg');
    const { authorization } = await daemon.headersOf('auditor');
    const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const order = { url: daemon.url, token: authorization!.slice('Bearer '.length), plot: file };
      await runTimeline({ model: 'news', ...order });
      const text = String(printed.mock.calls.at(-1)![0]);
      expect(text).toContain('withdrawn');
      expect(text).toContain('RESIDUE_FOUND');
      for (const id of requestIds) expect(text).toContain(`${id}  o!`);
      await runTimeline({ model: modelId, ...order, json: true });
      const json = JSON.parse(String(printed.mock.calls.at(-1)![0])) as {
        releases: { requests: object[] }[];
      };
      expect(json.releases.slice(0, 2).map(({ requests }) => requests)).toMatchObject([
        requestIds.map(() => ({ recurred: false })),
        requestIds.map(() => ({ recurred: true })),
      ]);
      await expect(runTimeline({ model: modelId, ...order, plot: daemon.directory })).rejects.toMatchObject({
        code: 'CLI_FILE_UNWRITABLE',
      });
      await expect(runTimeline({ model: 'no such model', ...order })).rejects.toMatchObject({
        code: 'CLI_API_REFUSED',
      });
    } finally {
      printed.mockRestore();
    }
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg.*news: 6 requests under/s);
  });
});

describe('the schedule', () => {
  it('renews the attestation of the current release, which would expire before the next due time', async () => {
    const releaseId = await currentReleaseId();
    // It is current again since the newer release was withdrawn, and is verified for that.
    const { attestation: before } = await verificationOf(releaseId, clean.id);
    await database.admin`update lacuna.schedule_run set due_at = '2023-01-01Z' where schedule = 'reverify'`;
    const schedule = daemon.daemon.app.get(ReverifySchedule, { strict: false });
    expect(await schedule.serveDue()).toEqual(new Date('2024-02-29T00:00:00Z'));
    const metrics = await (await daemon.get('nobody', '/metrics')).text();
    expect(metrics).toContain('lacuna_reverifications_total{outcome="expiring"} 1');
    const said = daemon.logLines.find((line) => line.includes('current releases were looked at'));
    expect(JSON.parse(said!)).toMatchObject({ expiring: 1 });
    let renewal: Verified | undefined;
    await until(async () => {
      renewal = await verificationOf(releaseId);
      return renewal.cause === 'RENEWAL';
    });
    expect(renewal).toMatchObject({ result: 'PASSED', outcome: { work: { signalsRead: 0 } } });
    expect(renewal!.attestation.id).not.toBe(before.id);
    expect(await schedule.serveDue()).toBeNull();
  });

  async function currentReleaseId(): Promise<string> {
    const query = 'query ($id: ID!) { model(id: $id) { currentRelease { id } } }';
    const { model } = await ask<{ model: { currentRelease: { id: string } } }>(query, { id: modelId });
    return model.currentRelease.id;
  }
});
