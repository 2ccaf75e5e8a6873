/** The publisher with witnesses that the test answers for, one by one and in any order. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { type CosignOrder, type LogRow, Publisher } from '@app/ledger';
import {
  createCosigner,
  createVerifierKey,
  type NoteSignature,
  parseNote,
  type Policy,
  type PolicyWitness,
} from '@app/tlog';
import { beforeEach, describe, expect, it } from 'vitest';
import { modelOperation } from '../support/operations.js';
import { makeTestLedger, TEST_TIME } from '../support/ledger.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

interface Question {
  readonly witness: string;
  readonly order: CosignOrder;
  cosign(): void;
  refuse(): void;
  /** Answers with a signature over another text. */
  lie(): void;
}

const cosigners = new Map(
  ['a', 'b', 'c'].map((name) => [
    name,
    createCosigner(`${name}.test`, generateKeyPairSync('ed25519').privateKey, () => 1_700_000_000n),
  ]),
);

/** `threshold` of a, b and c. */
const policyOf = (threshold: number): Policy => ({
  logs: [],
  witnesses: [...cosigners].map(([name, cosigner]) => ({
    name,
    key: createVerifierKey(cosigner),
    url: `http://${name}.test`,
  })),
  groups: [{ name: 'g', threshold, members: [...cosigners.keys()] }],
  quorum: 'g',
});

describe('the publisher', () => {
  let database: TestDatabase;
  let ledger: ReturnType<typeof makeTestLedger>;
  let log: LogRow;
  let questions: Question[];
  let now: number;

  beforeEach(async () => {
    database = await testDatabase();
    ledger = makeTestLedger(database.db, { withheld: true });
    await ledger.service.open();
    await grow();
    log = await ledger.service.eventLog();
    questions = [];
    now = 0;
    return () => database.close();
  });

  const grow = async () => {
    await ledger.service.append(modelOperation(randomUUID()));
    await ledger.integrator.integrateAll();
    // Only the event log is looked at here.
    for (const other of await ledger.repository.logs()) {
      if (other.kind === 'commitments')
        await ledger.publications.publish(database.db, other.logId, 0n, TEST_TIME);
    }
  };
  const make = (threshold: number | null) => {
    const ask = (witness: PolicyWitness, order: CosignOrder) =>
      new Promise<NoteSignature>((resolve, reject) => {
        const cosigner = cosigners.get(witness.name)!;
        const { text } = parseNote(order.note);
        const answer = (over: string) =>
          resolve({
            name: cosigner.name,
            keyId: cosigner.keyId,
            signature: cosigner.sign(Buffer.from(over)),
          });
        questions.push({
          witness: witness.name,
          order,
          cosign: () => answer(text),
          lie: () => answer(`${text}x\n`),
          refuse: () => reject(new Error('no')),
        });
      });
    return new Publisher({
      repository: ledger.repository,
      publications: ledger.publications,
      clock: () => TEST_TIME,
      witnessing: threshold === null ? null : { policy: policyOf(threshold), ask },
      intervalMs: 1000,
      onError: () => undefined,
      now: () => now,
    });
  };
  const asked = (count: number) => until(() => questions.length === count);
  /** The last question put to a witness. */
  const to = (name: string) => questions.findLast(({ witness }) => witness === name)!;
  const published = async () => (await ledger.service.checkpoint(log))?.treeSize ?? null;

  it('publishes at the last cosignature that the quorum needs, and not before', async () => {
    const round = make(2).publishAll();
    await asked(3);
    expect(questions.map(({ witness }) => witness).sort()).toEqual(['a', 'b', 'c']);
    to('a').cosign();
    await until(async () => (await ledger.publications.cosignatureLines(log.logId, 1n)).length === 1);
    expect(await published()).toBeNull();
    await expect(ledger.service.checkpointCovering(log, 1n, 0)).rejects.toMatchObject({
      code: 'LEDGER_NOT_INTEGRATED',
    });
    to('c').cosign();
    // The round ends without b.
    await round;
    expect(await published()).toBe(1n);
    to('b').cosign();
    await until(async () => (await ledger.service.checkpoint(log))!.note.includes('— b.test '));
  });

  it('tells what is withheld and forgets it when it is published', async () => {
    const publisher = make(3);
    const round = publisher.publishAll();
    await asked(3);
    to('a').cosign();
    to('b').cosign();
    to('c').refuse();
    await round;
    expect(publisher.problems()).toMatchObject([
      { origin: log.origin, treeSize: 1n, witnesses: [{ name: 'c' }] },
    ]);
    // Only the one that refused is asked again, and only after its wait.
    await publisher.publishAll();
    expect(questions).toHaveLength(3);
    now += 250;
    const second = publisher.publishAll();
    await asked(4);
    expect(questions[3]!.witness).toBe('c');
    questions[3]!.cosign();
    await second;
    expect(await published()).toBe(1n);
    expect(publisher.problems()).toEqual([]);
  });

  it('waits longer after each failure, half a minute at most', async () => {
    const publisher = make(3);
    const refuseAll = async () => {
      const before = questions.length;
      const round = publisher.publishAll();
      await asked(before + 3);
      for (const question of questions.slice(before)) question.refuse();
      await round;
    };
    await refuseAll();
    for (const wait of [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const before = questions.length;
      now += wait - 1;
      await publisher.publishAll();
      expect(questions, `before ${wait} ms`).toHaveLength(before);
      now += 1;
      await refuseAll();
    }
  });

  it('counts no signature over another text, whoever says it is one', async () => {
    const publisher = make(1);
    const round = publisher.publishAll();
    await asked(3);
    for (const question of questions) question.lie();
    await round;
    expect(await published()).toBeNull();
    expect(publisher.problems()).toHaveLength(1);
  });

  it('asks a slow witness no second time, and publishes newer checkpoints without it', async () => {
    const publisher = make(2);
    const first = publisher.publishAll();
    await asked(3);
    to('a').cosign();
    to('b').cosign();
    await first;
    await grow();
    const second = publisher.publishAll();
    await asked(5);
    expect(
      questions
        .slice(3)
        .map(({ witness }) => witness)
        .sort(),
    ).toEqual(['a', 'b']);
    expect(to('a').order).toMatchObject({ treeSize: 2n, oldSize: 1n });
    to('a').cosign();
    to('b').cosign();
    await second;
    expect(await published()).toBe(2n);
  });

  it('goes on after a crash between cosignature and publication', async () => {
    const crashed = make(2);
    void crashed.publishAll();
    await asked(3);
    to('a').cosign();
    await until(async () => (await ledger.publications.cosignatureLines(log.logId, 1n)).length === 1);
    const restarted = make(2);
    const round = restarted.publishAll();
    await asked(5);
    expect(
      questions
        .slice(3)
        .map(({ witness }) => witness)
        .sort(),
    ).toEqual(['b', 'c']);
    to('c').cosign();
    await round;
    expect(await published()).toBe(1n);
  });

  it('lets two daemons publish the same checkpoint', async () => {
    const rounds = [make(1).publishAll(), make(1).publishAll()];
    await asked(6);
    for (const question of questions) question.cosign();
    await Promise.all(rounds);
    expect(await published()).toBe(1n);
  });

  it('publishes what was left behind when the policy is taken away', async () => {
    expect(await published()).toBeNull();
    await make(null).publishAll();
    expect(await published()).toBe(1n);
    expect(questions).toHaveLength(0);
  });
});
