import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeTestLedger } from '../support/ledger.js';
import { modelOperation, requestOperation } from '../support/operations.js';
import { testDatabase, type TestDatabase } from '../support/test-database.js';

/** A daemon over `database` that keeps its key and its record of what it signed. */
const key = generateKeyPairSync('ed25519');
const open = (database: TestDatabase, stateFile: string) => makeTestLedger(database.db, { stateFile }, key);

type Ledger = ReturnType<typeof makeTestLedger>;

describe('a signer that has signed more or other than the database holds', () => {
  const modelId = randomUUID();
  let stateFile: string;
  let signed: TestDatabase;
  let other: TestDatabase;

  beforeEach(async () => {
    stateFile = join(mkdtempSync(join(tmpdir(), 'lacuna-rollback-')), 'state.json');
    [signed, other] = [await testDatabase(), await testDatabase()];
    const ledger = open(signed, stateFile);
    await fill(ledger, 5);
    await ledger.integrator.integrateAll();
    return async () => {
      await signed.close();
      await other.close();
    };
  });

  async function fill(ledger: Ledger, entries: number): Promise<void> {
    await ledger.service.open();
    await ledger.service.append(modelOperation(modelId));
    const samples = Array.from({ length: entries }, (_, n) => `s${n}`);
    if (entries > 0) await ledger.service.append(requestOperation(modelId, samples));
  }

  /** What the signer says after a round, once and again; nothing new may have been signed. */
  async function refusals(ledger: Ledger, database: TestDatabase): Promise<string[]> {
    const count = async () =>
      (await database.db.selectFrom('checkpoint').select('tree_size').execute()).length;
    await ledger.integrator.integrateAll();
    const after = await count();
    await ledger.integrator.integrateAll();
    expect(await count()).toBe(after);
    const problems = ledger.integrator.problems();
    expect(ledger.errors).toHaveLength(problems.length);
    for (const { message } of problems) expect(message).toMatch(/^log /);
    return problems.map(({ origin, code }) => `${origin.split('/').at(-1)!} ${code}`).sort();
  }

  it('refuses a database restored from an older backup, also before anything is appended', async () => {
    const restored = open(other, stateFile);
    await fill(restored, 3);
    expect(await refusals(restored, other)).toEqual([
      'commitments LEDGER_ROLLED_BACK',
      'events LEDGER_FORKED',
    ]);
    const log = await restored.service.commitmentLog(modelId);
    await restored.service.append(requestOperation(modelId, ['later']));
    expect((await restored.service.entries(log.logId, 0n, 10)).length).toBe(4);
  });

  it('refuses a fork that has grown past what was signed', async () => {
    const fork = open(other, stateFile);
    await fill(fork, 9);
    expect(await refusals(fork, other)).toEqual(['commitments LEDGER_FORKED', 'events LEDGER_FORKED']);
  });

  it('refuses another root at the signed size', async () => {
    const same = open(other, stateFile);
    await fill(same, 5);
    expect(await refusals(same, other)).toEqual(['commitments LEDGER_FORKED', 'events LEDGER_FORKED']);
  });

  it('refuses a database in which the log does not exist', async () => {
    const empty = open(other, stateFile);
    await empty.service.open();
    expect(await refusals(empty, other)).toEqual([
      'commitments LEDGER_ROLLED_BACK',
      'events LEDGER_ROLLED_BACK',
    ]);
  });

  it('refuses a tree that shrank in place, keeps serving reads, and signs again once it is whole', async () => {
    const { admin } = signed;
    const ledger = open(signed, stateFile);
    const log = await ledger.service.commitmentLog(modelId);
    const shrink = (statement: string) =>
      admin.unsafe(`set local lacuna.maintenance = 'on'; alter table lacuna.log_head disable trigger all;
        ${statement}; alter table lacuna.log_head enable always trigger head_moves_forward`);
    await shrink(`update lacuna.log_head set next_index = 2 where log_id = ${log.logId}`);
    expect(await refusals(ledger, signed)).toEqual(['commitments LEDGER_ROLLED_BACK']);
    expect(await ledger.service.checkpoint(log)).toMatchObject({ treeSize: 5n });
    expect(await ledger.service.proveInclusion(log.logId, 4n, 5n)).not.toEqual([]);
    await shrink(`update lacuna.log_head set next_index = 5 where log_id = ${log.logId}`);
    await ledger.integrator.integrateAll();
    expect(ledger.integrator.problems()).toEqual([]);
  });
});
