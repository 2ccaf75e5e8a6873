/**
 * Every step between a signed checkpoint and a witnessed, published one as the last one of a process: of the daemon that
 * asks, stores and publishes, and of a witness that checks, remembers and answers. After each, another process takes
 * over: nothing is published without its quorum, no witness forgets what it cosigned, every acknowledged entry is there
 * once, and the audit is clean.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditLedger, type LogRow, Publisher } from '@app/ledger';
import {
  checkConsistency,
  createEd25519Signer,
  formatAddCheckpointRequest,
  formatVerifierKey,
  openWitnessedCheckpoint,
  signCheckpoint,
} from '@app/tlog';
import { askWitness, parsePublishingPolicy } from '@app/witness';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InjectedCrash, Tripwire } from '../support/fault-tripwire.js';
import { FaultWitness } from '../support/fault-witness.js';
import { makeTestLedger, TEST_LEDGER, TEST_TIME } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { useTestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const database = useTestDatabase();
const BEFORE = 3;
const REQUESTS = 8;
const AFTER = BigInt(BEFORE + REQUESTS);
/** A witness of the table answers or breaks the connection at once; the slow one is waited for by nobody. */
const ASK_TIMEOUT_MS = 20_000;

const key = generateKeyPairSync('ed25519');
const directory = mkdtempSync(join(tmpdir(), 'lacuna-signer-'));
const startProcess = () =>
  makeTestLedger(database().db, { stateFile: join(directory, 'state.json'), withheld: true }, key);
const vkey = formatVerifierKey(createEd25519Signer(TEST_LEDGER, key.privateKey));
const [a, b, c] = ['a', 'b', 'c'].map((name) => new FaultWitness(name, vkey)) as [
  FaultWitness,
  FaultWitness,
  FaultWitness,
];

beforeAll(async () => {
  for (const witness of [a, b, c]) await witness.listen();
});
afterAll(async () => {
  for (const witness of [a, b, c]) await witness.close();
  rmSync(directory, { recursive: true, force: true });
});

type Ledger = ReturnType<typeof makeTestLedger>;

const policyOf = (threshold: number, witnesses: readonly FaultWitness[]) => {
  const names = witnesses.map(({ name }) => name).join(' ');
  const lines = witnesses.map(({ policyLine }) => policyLine);
  return parsePublishingPolicy([...lines, `group g ${threshold} ${names}`, 'quorum g', ''].join('\n'));
};
const BOTH = () => policyOf(2, [a, b]);
const TWO_OF_THREE = () => policyOf(2, [a, b, c]);

/** The publishing share of a daemon; its back-off has no clock, so that it asks whoever it may ask. */
function publisherOf(ledger: Ledger, policy = BOTH(), tripwire = new Tripwire('never')) {
  const errors: { readonly witness: string; readonly error: unknown }[] = [];
  let time = 0;
  const publisher = new Publisher({
    repository: ledger.repository,
    publications: tripwire.publications(ledger.publications),
    clock: () => TEST_TIME,
    witnessing: {
      policy,
      ask: tripwire.ask((witness, order, signal) =>
        askWitness(witness, order, { timeoutMs: ASK_TIMEOUT_MS, signal }),
      ),
    },
    intervalMs: 1000,
    onError: (_origin, witness, error) => errors.push({ witness, error }),
    now: () => (time += 60_000),
  });
  return { publisher, errors };
}

const operationsFor = (modelId: string) =>
  Array.from({ length: REQUESTS }, (_, n) => () => requestOperation(modelId, [`s${n}`], `${modelId}-${n}`));

/** A log of three entries, published with both cosignatures; and then eight acknowledged ones that are only signed. */
async function signed() {
  const ledger = startProcess();
  await ledger.service.open();
  const modelId = randomUUID();
  await ledger.service.append(modelOperation(modelId));
  for (const sample of ['x', 'y', 'z']) await ledger.service.append(requestOperation(modelId, [sample]));
  await ledger.integrator.integrateAll();
  await publisherOf(ledger, policyOf(3, [a, b, c])).publisher.publishAll();
  const log = await ledger.service.commitmentLog(modelId);
  const published = (await ledger.service.checkpoint(log))!;
  expect(published.treeSize).toBe(BigInt(BEFORE));
  const acknowledged: unknown[] = [];
  for (const operation of operationsFor(modelId)) acknowledged.push(await ledger.service.append(operation()));
  await ledger.integrator.integrateAll();
  return { ledger, modelId, log, published, acknowledged };
}

type Signed = Awaited<ReturnType<typeof signed>>;

const publishedSize = async ({ ledger, log }: Signed) => (await ledger.service.checkpoint(log))?.treeSize;
const cosignatures = ({ ledger, log }: Signed) => ledger.publications.cosignatureLines(log.logId, AFTER);

/** What has to hold at the end: everything acknowledged is there once, published as the policy wants, and audited. */
async function expectPublished(state: Signed, policy = BOTH(), witnesses: readonly string[] = ['a', 'b']) {
  const { log, modelId, published, acknowledged } = state;
  const after = startProcess();
  const { publisher, errors } = publisherOf(after, policy);
  await publisher.publishAll();
  expect(errors).toEqual([]);
  expect(publisher.problems()).toEqual([]);
  const now = (await after.service.checkpoint(log))!;
  expect(now.treeSize).toBe(AFTER);
  const opened = openWitnessedCheckpoint(now.note, policy, log.origin, after.verifierFor(log.origin));
  expect(opened.cosignatures.map(({ witness }) => witness).sort()).toEqual(witnesses);
  expect(new Set(await cosignatures(state)).size).toBe(witnesses.length);
  checkConsistency({
    fromSize: published.treeSize,
    fromRoot: published.rootHash,
    toSize: now.treeSize,
    toRoot: now.rootHash,
    proof: await after.service.proveConsistency(log.logId, published.treeSize, now.treeSize),
  });
  for (const [number, operation] of operationsFor(modelId).entries())
    expect(await after.service.append(operation())).toEqual(acknowledged[number]);
  expect(await after.service.nextIndex(log.logId)).toBe(AFTER);
  const { findings } = await auditLedger(database().db, { verifierFor: after.verifierFor });
  expect(findings).toEqual([]);
}

beforeEach(() => {
  for (const witness of [a, b, c]) {
    witness.hangs = false;
    if (!witness.alive) witness.start();
  }
});

interface PublishCase {
  readonly point: string;
  /** The how-manieth time it is passed. */
  readonly occurrence: number;
  /** Whether the checkpoint is published after the crash. */
  readonly persisted: boolean;
  /** At least as many witnesses have cosigned, and at least as many of their cosignatures are stored. */
  readonly cosigned: number;
  readonly stored: number;
}

const PUBLISH: readonly PublishCase[] = [
  { point: 'before logsToPublish', occurrence: 1, persisted: false, cosigned: 0, stored: 0 },
  { point: 'after logsToPublish', occurrence: 1, persisted: false, cosigned: 0, stored: 0 },
  { point: 'after cosignatureLines', occurrence: 1, persisted: false, cosigned: 0, stored: 0 },
  { point: 'before ask', occurrence: 1, persisted: false, cosigned: 0, stored: 0 },
  // Cosigned as far as the witnesses remember, and nobody else.
  { point: 'after ask', occurrence: 1, persisted: false, cosigned: 1, stored: 0 },
  { point: 'before addCosignature', occurrence: 1, persisted: false, cosigned: 1, stored: 0 },
  { point: 'after addCosignature', occurrence: 1, persisted: false, cosigned: 1, stored: 1 },
  { point: 'before addCosignature', occurrence: 2, persisted: false, cosigned: 2, stored: 0 },
  { point: 'after addCosignature', occurrence: 2, persisted: false, cosigned: 2, stored: 2 },
  { point: 'before publish', occurrence: 1, persisted: false, cosigned: 2, stored: 2 },
  // Published, and the next round does not know it yet.
  { point: 'after publish', occurrence: 1, persisted: true, cosigned: 2, stored: 2 },
];

describe('a daemon that ends while it asks witnesses and publishes', () => {
  it.each(PUBLISH)(
    '$point, time $occurrence (persisted: $persisted)',
    async ({ point, occurrence, persisted, cosigned, stored }) => {
      const state = await signed();
      const tripwire = new Tripwire(point, occurrence);
      const dying = publisherOf(state.ledger, BOTH(), tripwire);
      await dying.publisher.publishAll().catch((error: unknown) => dying.errors.push({ witness: '', error }));
      expect(tripwire.fired).toBe(true);
      for (const { error } of dying.errors) expect(error).toBeInstanceOf(InjectedCrash);
      expect(await publishedSize(state)).toBe(persisted ? AFTER : BigInt(BEFORE));
      const remember = [a, b].filter((one) => one.remembers(state.log.origin)?.treeSize === AFTER);
      expect(remember.length).toBeGreaterThanOrEqual(cosigned);
      expect((await cosignatures(state)).length).toBeGreaterThanOrEqual(stored);
      await expectPublished(state);
    },
  );
});

interface WitnessCase {
  readonly point: string;
  /** Whether the new checkpoint is on the witness's disk after the crash. */
  readonly persisted: boolean;
}

const WITNESS: readonly WitnessCase[] = [
  { point: 'before answer', persisted: false },
  { point: 'before read', persisted: false },
  { point: 'after read', persisted: false },
  { point: 'before write', persisted: false },
  // Half a draft is on disk.
  { point: 'inside write', persisted: false },
  // Remembered, and not cosigned.
  { point: 'after write', persisted: true },
  { point: 'before cosign', persisted: true },
  { point: 'after cosign', persisted: true },
  // Cosigned, and the answer never left.
  { point: 'after answer', persisted: true },
];

/** The log's own key under another history of the size that was cosigned. */
function forkAt(ledger: Ledger, { origin }: LogRow): string {
  const fork = { origin, treeSize: AFTER, rootHash: new Uint8Array(32).fill(7) };
  const checkpoint = signCheckpoint(fork, [ledger.signerFor(origin)]);
  return formatAddCheckpointRequest({ oldSize: AFTER, proof: [], checkpoint });
}

describe('a witness that ends while it cosigns', () => {
  it.each(WITNESS)('$point (persisted: $persisted)', async ({ point, persisted }) => {
    const state = await signed();
    const { ledger, log } = state;
    const tripwire = new Tripwire(point);
    b.start(tripwire);
    const daemon = publisherOf(ledger);
    await daemon.publisher.publishAll();
    expect(tripwire.fired).toBe(true);
    expect(b.alive).toBe(false);
    if (point === 'inside write') b.tearDraft(log.origin);
    // Fails closed, and says whom it waits for.
    expect(await publishedSize(state)).toBe(BigInt(BEFORE));
    expect(daemon.publisher.problems()).toMatchObject([
      { origin: log.origin, treeSize: AFTER, witnesses: [{ name: 'b', code: 'WITNESS_UNREACHABLE' }] },
    ]);
    await daemon.publisher.publishAll();
    expect(await publishedSize(state)).toBe(BigInt(BEFORE));

    b.start();
    expect(b.remembers(log.origin)?.treeSize).toBe(persisted ? AFTER : BigInt(BEFORE));
    if (persisted) {
      const answer = await fetch(`${b.url}/add-checkpoint`, { method: 'POST', body: forkAt(ledger, log) });
      expect(answer.status).toBe(422);
    }
    await daemon.publisher.publishAll();
    expect(daemon.publisher.problems()).toEqual([]);
    expect(await publishedSize(state)).toBe(AFTER);
    await expectPublished(state);
  });
});

describe('one witness of three that is no help', () => {
  it.each([
    ['is down', () => c.die()],
    ['hangs', () => void (c.hangs = true)],
    ['ends before it remembers', () => c.start(new Tripwire('before write'))],
    ['ends before its answer', () => c.start(new Tripwire('after answer'))],
  ])('%s: the others suffice, also to the process after a crash', async (_what, harm) => {
    const state = await signed();
    harm();
    const tripwire = new Tripwire('after addCosignature');
    const dying = publisherOf(state.ledger, TWO_OF_THREE(), tripwire);
    const round = dying.publisher.publishAll();
    await until(() => tripwire.fired);
    await dying.publisher.stop();
    await round;
    expect(await publishedSize(state)).toBe(BigInt(BEFORE));
    const next = publisherOf(startProcess(), TWO_OF_THREE());
    await next.publisher.publishAll();
    expect(await publishedSize(state)).toBe(AFTER);
    await next.publisher.stop();
    await expectPublished(state, TWO_OF_THREE());

    // Back again, it goes on from what it remembers.
    c.hangs = false;
    if (!c.alive) c.start();
    await state.ledger.service.append(requestOperation(state.modelId, ['late']));
    await state.ledger.integrator.integrateAll();
    const all = publisherOf(startProcess(), policyOf(3, [a, b, c]));
    await all.publisher.publishAll();
    expect(all.errors).toEqual([]);
    expect(await publishedSize(state)).toBe(AFTER + 1n);
    expect(c.remembers(state.log.origin)?.treeSize).toBe(AFTER + 1n);
  });
});
