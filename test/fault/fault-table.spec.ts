/**
 * Every step of append, integrate, sign and publish as the last one of a process. After each, another process takes
 * over: callers repeat what was not acknowledged, and there is one dense log with a clean audit that extends what was
 * published before. The random kills of crash.spec.ts look for what is missing in this table.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditLedger, type GroupLimits, Integrator, Sequencer, SignerState } from '@app/ledger';
import { checkConsistency } from '@app/tlog';
import { describe, expect, it } from 'vitest';
import { makeTestLedger, TEST_LEDGER, TEST_TIME } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { useTestDatabase } from '../support/test-database.js';
import { InjectedCrash, Tripwire } from '../support/fault-tripwire.js';

const database = useTestDatabase();
const REQUESTS = 8;
/** One installation: every process of it has the same log key and the same record of what was signed. */
const key = generateKeyPairSync('ed25519');
const stateFile = join(mkdtempSync(join(tmpdir(), 'lacuna-signer-')), 'state.json');
const startProcess = () => makeTestLedger(database().db, { stateFile }, key);

interface Case {
  readonly point: string;
  /** Whether the step's work is in the database after the crash. */
  readonly persisted: boolean;
}

const APPEND: readonly Case[] = [
  { point: 'before append transaction', persisted: false },
  { point: 'before lockHeads', persisted: false },
  { point: 'after lockHeads', persisted: false },
  { point: 'after storedResponses', persisted: false },
  { point: 'before insertGroup', persisted: false },
  { point: 'after insertGroup', persisted: false },
  // Durable, and nobody was told.
  { point: 'after append transaction', persisted: true },
];

/** The same of a group whose rows are too many for one statement. */
const APPEND_MANY: readonly Case[] = [
  { point: 'after moveHeads', persisted: false },
  { point: 'before insertEntries', persisted: false },
  { point: 'after insertEntries', persisted: false },
  { point: 'before insertFacts', persisted: false },
  { point: 'after insertFacts', persisted: false },
  { point: 'before storeResponses', persisted: false },
  { point: 'after storeResponses', persisted: false },
  { point: 'before insertEvents', persisted: false },
  { point: 'after insertEvents', persisted: false },
  { point: 'before insertCommitments', persisted: false },
  { point: 'after insertCommitments', persisted: false },
  // Durable, and nobody was told.
  { point: 'after append transaction', persisted: true },
];

const INTEGRATE: readonly Case[] = [
  { point: 'before integrate transaction', persisted: false },
  { point: 'after tryIntegratorLock', persisted: false },
  { point: 'after readLeafHashes', persisted: false },
  { point: 'before insertTiles', persisted: false },
  { point: 'after insertTiles', persisted: false },
  { point: 'before advance', persisted: false },
  // Signed as far as the signer remembers, and not in the database.
  { point: 'after advance', persisted: false },
  { point: 'before insertCheckpoint', persisted: false },
  { point: 'after insertCheckpoint', persisted: false },
  { point: 'before publish', persisted: false },
  { point: 'after publish', persisted: false },
  { point: 'after integrate transaction', persisted: true },
];

type Ledger = ReturnType<typeof makeTestLedger>;

/** A ledger with one model, three integrated requests, and what was published of them. */
async function settled() {
  const ledger = startProcess();
  await ledger.service.open();
  const modelId = randomUUID();
  await ledger.service.append(modelOperation(modelId));
  for (const sample of ['a', 'b', 'c']) await ledger.service.append(requestOperation(modelId, [sample]));
  await ledger.integrator.integrateAll();
  const log = await ledger.service.commitmentLog(modelId);
  const published = await ledger.service.checkpoint(log);
  expect(published?.treeSize).toBe(3n);
  return { ledger, modelId, log, published: published! };
}

const operationsFor = (modelId: string) =>
  Array.from({ length: REQUESTS }, (_, n) => () => requestOperation(modelId, [`s${n}`], `${modelId}-${n}`));

/** A second process over the same database, signer's record and key, that dies at the tripwire. */
function dyingProcess(ledger: Ledger, tripwire: Tripwire, limits: Partial<GroupLimits> = {}) {
  const { repository, publications, service } = ledger;
  const clock = () => TEST_TIME;
  const sequencer = new Sequencer({
    repository: tripwire.repository(repository, 'append'),
    clock,
    originOf: (modelId) => `${TEST_LEDGER}/${modelId}/commitments`,
    onAppended: () => undefined,
    limits,
  });
  const errors: unknown[] = [];
  const integrator = new Integrator({
    repository: tripwire.repository(repository, 'integrate'),
    publications: tripwire.publications(publications),
    clock,
    signerFor: (origin) => ledger.signerFor(origin),
    state: tripwire.state(new SignerState(stateFile)),
    intervalMs: 1000,
    onError: (_origin, error) => errors.push(error),
  });
  return { sequencer, integrator, errors, service };
}

/** Another process: repeats the requests, integrates, and finds everything once. */
async function takeOver(
  state: Awaited<ReturnType<typeof settled>>,
  acknowledged: ReadonlyMap<number, unknown>,
): Promise<void> {
  const { db } = database();
  const { modelId, log, published } = state;
  const after = startProcess();
  const answers = await Promise.all(
    operationsFor(modelId).map((operation) => after.service.append(operation())),
  );
  for (const [number, answer] of acknowledged) expect(answers[number]).toEqual(answer);
  const indexes = answers.flatMap((answer) => answer.indexes.map(Number)).sort((a, b) => a - b);
  expect(indexes).toEqual(Array.from({ length: REQUESTS }, (_, index) => index + 3));
  await after.integrator.integrateAll();
  expect(after.errors).toEqual([]);
  const now = await after.service.checkpoint(log);
  expect(now?.treeSize).toBe(BigInt(REQUESTS + 3));
  checkConsistency({
    fromSize: published.treeSize,
    fromRoot: published.rootHash,
    toSize: now!.treeSize,
    toRoot: now!.rootHash,
    proof: await after.service.proveConsistency(log.logId, published.treeSize, now!.treeSize),
  });
  const { findings } = await auditLedger(db, { verifierFor: after.verifierFor });
  expect(findings).toEqual([]);
}

describe('a process that ends while it appends', () => {
  it.each([
    ...APPEND.map((one) => ({ ...one, rows: 'few', limits: {} })),
    ...APPEND_MANY.map((one) => ({ ...one, rows: 'many', limits: { statementEntries: 0 } })),
  ])('$rows rows, $point (persisted: $persisted)', async ({ point, persisted, limits }) => {
    const state = await settled();
    const { ledger, modelId, log } = state;
    const tripwire = new Tripwire(point);
    const dying = dyingProcess(ledger, tripwire, limits);
    const outcomes = await Promise.allSettled(
      operationsFor(modelId).map((operation) => dying.sequencer.append(operation())),
    );
    expect(tripwire.fired).toBe(true);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(InjectedCrash);
    const acknowledged = new Map(
      outcomes.flatMap((outcome, number) =>
        outcome.status === 'fulfilled' ? [[number, outcome.value] as const] : [],
      ),
    );
    expect(acknowledged.size).toBe(0);
    expect(await ledger.service.nextIndex(log.logId)).toBe(persisted ? BigInt(REQUESTS + 3) : 3n);
    await takeOver(state, acknowledged);
  });
});

describe('a process that ends while it integrates, signs and publishes', () => {
  it.each(INTEGRATE)('$point (persisted: $persisted)', async ({ point, persisted }) => {
    const state = await settled();
    const { ledger, modelId, log } = state;
    const tripwire = new Tripwire(point);
    const acknowledged = new Map<number, unknown>();
    for (const [number, operation] of operationsFor(modelId).entries())
      acknowledged.set(number, await ledger.service.append(operation()));
    const dying = dyingProcess(ledger, tripwire);
    await dying.integrator.integrateAll().catch((error: unknown) => dying.errors.push(error));
    expect(tripwire.fired).toBe(true);
    for (const error of dying.errors) expect(error).toBeInstanceOf(InjectedCrash);
    const checkpoint = await ledger.service.checkpoint(log);
    expect(checkpoint?.treeSize).toBe(persisted ? BigInt(REQUESTS + 3) : 3n);
    await takeOver(state, acknowledged);
  });
});
